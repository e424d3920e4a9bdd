/* Samples of the variables of a line, as bytes, where no code of the program runs for that. With the GIL nothing else
   runs meanwhile, so values need no references. */

/* How a sample is taken. The last two kinds do without the frame object; `tracefunc_borrow` knows them alone. */
enum {
    TRACEFUNC_OF_NAME,  /* as the pure recorder reads it */
    TRACEFUNC_OF_VARIABLE,  /* it is a variable that alone has its name in the frame */
    TRACEFUNC_HIDDEN,  /* it is not even read */
    TRACEFUNC_IN_SLOT,  /* a variable whose slot is known */
    TRACEFUNC_OF_GLOBAL  /* of the module, or a builtin */
};

/* A name that is sampled, or a chain of attributes that begins with it. */
typedef struct {
    int how;
    int may_be_cell;  /* whether its slot may have the cell with its value */
    Py_ssize_t slot;
    PyObject *name;
    PyObject *attributes;  /* the others of a chain, or NULL */
    tracefunc_link *links;  /* what is known of these, or NULL */
} tracefunc_variable_of_line;

/* A global variable or a builtin in the frame that executes, a borrowed reference, or NULL in `*value`: 1. 0 if the
   interpreter does not look it up in plain dictionaries, whose keys are exact `str`. */
static int tracefunc_borrow_global(PyObject *name, PyObject **value) {
    *value = NULL;
    for (int i = 0; i < 2 && *value == NULL; i++) {
        PyObject *names = i == 0 ? PyEval_GetGlobals() : PyEval_GetBuiltins();
        if (names == NULL || !PyDict_CheckExact(names) || !tracefunc_says_str_keys(names))
            return 0;
        *value = PyDict_GetItemWithError(names, name);
        if (*value == NULL)
            PyErr_Clear();
    }
    return 1;
}
/* What a name means in the frame that executes, whose variables begin at `first`; as above. */
static inline int tracefunc_borrow(const tracefunc_variable_of_line *what, uintptr_t *first, PyObject **value) {
    if (what->how == TRACEFUNC_IN_SLOT) {
        *value = tracefunc_in_variable(first + what->slot, what->may_be_cell);
        return 1;
    }
    return what->how == TRACEFUNC_OF_GLOBAL && tracefunc_borrow_global(what->name, value);
}

/* How values are written: what a writer of values knows. */
typedef struct {
    Py_ssize_t room;
    int shown;
    tracefunc_known *known;  /* NULL: nothing yet */
} tracefunc_manner;

/* 1: the value was appended; 0: code of the program may run for that, and nothing was appended; -1: an error is set. */
static inline int tracefunc_put_known(tracefunc_buffer *out, PyObject *value, const tracefunc_manner *manner) {
    int done = tracefunc_put_value(out, value, manner->room, manner->shown);
    if (done != 0 || manner->shown != TRACEFUNC_OBJECTS)
        return done;
    return tracefunc_put_remembered(out, value, tracefunc_shown_as(value), manner->known);
}
static inline int tracefunc_put_variable(
    tracefunc_buffer *out, const tracefunc_variable_of_line *what, uintptr_t *first, const tracefunc_manner *manner
) {
    PyObject *value;
    int how;
    if (what->how == TRACEFUNC_HIDDEN)
        return tracefunc_put_tag(out, TRACEFUNC_TAG_REDACTED);
    if (!tracefunc_borrow(what, first, &value))
        return 0;
    if (value == NULL)
        return tracefunc_put_tag(out, TRACEFUNC_TAG_UNAVAILABLE);
    if (what->attributes == NULL)
        return tracefunc_put_known(out, value, manner);
    value = tracefunc_follow(Py_NewRef(value), what->attributes, what->links, &how);
    if (value == NULL)
        return tracefunc_put_tag(out, how == TRACEFUNC_NOT_READ ? TRACEFUNC_TAG_NOT_READ : TRACEFUNC_TAG_UNAVAILABLE);
    int done = tracefunc_put_known(out, value, manner);
    Py_DECREF(value);
    return done;
}
/* The head of the part of a record that has a sample. */
static inline int tracefunc_put_head(tracefunc_buffer *out, int tag, int line, long long moment) {
    unsigned char *to = tracefunc_reserve(out, 21);
    if (to == NULL)
        return -1;
    *to++ = (unsigned char)tag;
    to = tracefunc_varint_at(to, (uint64_t)line);
    tracefunc_commit(out, tracefunc_varint_at(to, (uint64_t)moment));
    return 0;
}
/* Append samples of variables, up to one that code of the program may have to run for. Returns how many; -1: an error
   is set, and the buffer is as it was at `start`. */
static inline int tracefunc_put_variables(
    tracefunc_buffer *out, size_t start, const tracefunc_variable_of_line *all, int many, uintptr_t *first,
    const tracefunc_manner *manner
) {
    for (int i = 0; i < many; i++) {
        int done = tracefunc_put_variable(out, &all[i], first, manner);
        if (done < 0)
            out->used = start;
        if (done <= 0)
            return done < 0 ? done : i;
    }
    return many;
}
