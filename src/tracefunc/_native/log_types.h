/* What a value's own type says: objects that are shown by their type and their address, and described values. */

/* --- Objects without a repr of their own --- */

/* The numbers of the texts that show objects of a type, for as long as its version and its names are the same. No
   version is given twice, and it changes with the module; the names are kept, so that no others have their addresses. */
typedef struct {
    PyTypeObject *kind;  /* no reference: only compared */
    PyObject *name, *qualname;  /* NULL for a static type, which keeps its name */
    unsigned int version;
    uint64_t name_number, before_number;
} tracefunc_known_type;
enum { TRACEFUNC_KNOWN_TYPES = 128 };

static inline tracefunc_known_type *tracefunc_place_of_type(tracefunc_known_type *all, PyTypeObject *kind) {
    return &all[((uintptr_t)kind >> 4 ^ (uintptr_t)kind >> 11) % TRACEFUNC_KNOWN_TYPES];
}
#define tracefunc_is_heap_type(kind) (PyType_HasFeature(kind, Py_TPFLAGS_HEAPTYPE))
static inline int tracefunc_is_known(const tracefunc_known_type *known, PyTypeObject *kind) {
    if (known->kind != kind || known->version == 0 || known->version != kind->tp_version_tag)
        return 0;
    if (!tracefunc_is_heap_type(kind))
        return 1;
    const PyHeapTypeObject *heap = (PyHeapTypeObject *)kind;
    return heap->ht_name == known->name && heap->ht_qualname == known->qualname;
}
/* The version of a type, if it has one and plain names; otherwise 0. */
static unsigned int tracefunc_version_of(PyTypeObject *kind) {
    const PyHeapTypeObject *heap = (PyHeapTypeObject *)kind;
    if (tracefunc_is_heap_type(kind)
            && !(PyUnicode_CheckExact(heap->ht_name) && PyUnicode_CheckExact(heap->ht_qualname)))
        return 0;
    return PyUnstable_Type_AssignVersionTag(kind) ? kind->tp_version_tag : 0;
}
/* The names that a type has in the heap, None for a static type. */
static PyObject *tracefunc_names_of(PyTypeObject *kind) {
    const PyHeapTypeObject *heap = (PyHeapTypeObject *)kind;
    return tracefunc_is_heap_type(kind) ? PyTuple_Pack(2, heap->ht_name, heap->ht_qualname) : Py_NewRef(Py_None);
}
static void tracefunc_keep_type(tracefunc_known_type *known, const tracefunc_known_type *new_one, PyObject *names) {
    PyObject *name = known->name, *qualname = known->qualname;
    *known = *new_one;
    known->name = names == Py_None ? NULL : Py_NewRef(PyTuple_GET_ITEM(names, 0));
    known->qualname = names == Py_None ? NULL : Py_NewRef(PyTuple_GET_ITEM(names, 1));
    Py_XDECREF(name);
    Py_XDECREF(qualname);
}
/* Whether `repr` shows an object by its type and its address, and the name of that type is what it says itself. */
static inline int tracefunc_has_objects_repr(PyObject *value) {
    return Py_TYPE(value)->tp_repr == PyBaseObject_Type.tp_repr && Py_IS_TYPE(Py_TYPE(value), &PyType_Type);
}
static inline int tracefunc_put_object(
    tracefunc_buffer *out, PyObject *value, uint64_t name_number, uint64_t before_number
) {
    unsigned char *to = tracefunc_reserve(out, 29);
    if (to == NULL)
        return -1;
    *to++ = TRACEFUNC_TAG_OBJECT;
    to = tracefunc_varint_at(to, name_number);
    to = tracefunc_varint_at(to, before_number);
    tracefunc_commit(out, tracefunc_bytes_at(to, (uint64_t)(uintptr_t)value, 8));
    return 1;
}

/* --- Classes and functions --- */

/* The numbers of the texts that show a function: of the name of its type, and of its text or what is in that before its
   address. The function itself is not kept, but what that text is made of. */
typedef struct {
    void *by;  /* the qualified name of a function, or the definition of one that is written in C */
    PyObject *text;  /* the same name, or the whole text */
    uint64_t name_number, text_number;
} tracefunc_known_function;

/* All that a writer of values has learned; all zero: nothing. */
typedef struct {
    tracefunc_known_type types[TRACEFUNC_KNOWN_TYPES];  /* of objects */
    tracefunc_known_type classes[TRACEFUNC_KNOWN_TYPES];  /* that are values themselves */
    tracefunc_known_function functions[TRACEFUNC_KNOWN_TYPES];
} tracefunc_known;

enum { TRACEFUNC_LENGTH_OF_PREFIX = 19 };  /* of "<built-in function " */

/* Whether a function that is written in C is one of a module. */
static inline int tracefunc_is_of_module(PyObject *value) {
    PyObject *self = ((PyCFunctionObject *)value)->m_self;
    return self == NULL || PyModule_Check(self);
}
static inline void *tracefunc_key_of_function(PyObject *value) {
    return PyFunction_Check(value) ? (void *)((PyFunctionObject *)value)->func_qualname
                                   : (void *)((PyCFunctionObject *)value)->m_ml;
}
static inline tracefunc_known_function *tracefunc_place_of_function(tracefunc_known *all, PyObject *value) {
    uintptr_t key = (uintptr_t)tracefunc_key_of_function(value);
    return &all->functions[(key >> 4 ^ key >> 11) % TRACEFUNC_KNOWN_TYPES];
}
/* A definition may have been freed, and another one be in its place. */
static inline int tracefunc_is_known_function(const tracefunc_known_function *known, PyObject *value) {
    if (known->by == NULL || known->by != tracefunc_key_of_function(value))
        return 0;
    if (PyFunction_Check(value))
        return known->text == known->by;
    if (known->text == known->by || !PyUnicode_IS_COMPACT_ASCII(known->text))
        return 0;
    const char *name = ((PyCFunctionObject *)value)->m_ml->ml_name;
    size_t length = (size_t)PyUnicode_GET_LENGTH(known->text) - TRACEFUNC_LENGTH_OF_PREFIX - 1;
    return strncmp((const char *)PyUnicode_1BYTE_DATA(known->text) + TRACEFUNC_LENGTH_OF_PREFIX, name, length) == 0
        && name[length] == 0;
}
static void tracefunc_keep_function(
    tracefunc_known *all, PyObject *value, PyObject *text, uint64_t name_number, uint64_t text_number
) {
    tracefunc_known_function *known = tracefunc_place_of_function(all, value);
    PyObject *before = known->text;
    known->by = tracefunc_key_of_function(value);
    known->text = Py_NewRef(PyFunction_Check(value) ? (PyObject *)known->by : text);
    known->name_number = name_number;
    known->text_number = text_number;
    Py_XDECREF(before);
}
static void tracefunc_forget_all(tracefunc_known *all) {
    for (int i = 0; i < TRACEFUNC_KNOWN_TYPES; i++) {
        Py_XDECREF(all->types[i].name);
        Py_XDECREF(all->types[i].qualname);
        Py_XDECREF(all->classes[i].name);
        Py_XDECREF(all->classes[i].qualname);
        Py_XDECREF(all->functions[i].text);
    }
    PyMem_Free(all);
}
static inline int tracefunc_put_named(tracefunc_buffer *out, uint64_t name_number, uint64_t text_number) {
    unsigned char *to = tracefunc_reserve(out, 21);
    if (to == NULL)
        return -1;
    *to++ = TRACEFUNC_TAG_NAMED;
    to = tracefunc_varint_at(to, name_number);
    tracefunc_commit(out, tracefunc_varint_at(to, text_number));
    return 1;
}
/* How a value is shown, apart from numbers, strings and containers. */
enum { TRACEFUNC_IS_OTHER, TRACEFUNC_IS_OBJECT, TRACEFUNC_IS_CLASS, TRACEFUNC_IS_FUNCTION, TRACEFUNC_IS_BUILTIN };
static inline int tracefunc_shown_as(PyObject *value) {
    PyTypeObject *kind = Py_TYPE(value);
    if (kind == &PyType_Type)
        return TRACEFUNC_IS_CLASS;
    if (kind == &PyFunction_Type)
        return TRACEFUNC_IS_FUNCTION;
    if (kind == &PyCFunction_Type)
        return tracefunc_is_of_module(value) ? TRACEFUNC_IS_BUILTIN : TRACEFUNC_IS_OTHER;
    return tracefunc_has_objects_repr(value) ? TRACEFUNC_IS_OBJECT : TRACEFUNC_IS_OTHER;
}
/* 1: a value that is shown in one of these ways was appended; 0: its texts are not known yet; -1: an error is set. */
static inline int tracefunc_put_remembered(tracefunc_buffer *out, PyObject *value, int as, tracefunc_known *all) {
    if (as == TRACEFUNC_IS_OTHER || all == NULL)
        return 0;
    if (as >= TRACEFUNC_IS_FUNCTION) {
        const tracefunc_known_function *known = tracefunc_place_of_function(all, value);
        if (!tracefunc_is_known_function(known, value))
            return 0;
        return as == TRACEFUNC_IS_FUNCTION ? tracefunc_put_object(out, value, known->name_number, known->text_number)
                                           : tracefunc_put_named(out, known->name_number, known->text_number);
    }
    PyTypeObject *kind = as == TRACEFUNC_IS_CLASS ? (PyTypeObject *)value : Py_TYPE(value);
    const tracefunc_known_type *known =
        tracefunc_place_of_type(as == TRACEFUNC_IS_CLASS ? all->classes : all->types, kind);
    if (!tracefunc_is_known(known, kind))
        return 0;
    return as == TRACEFUNC_IS_CLASS ? tracefunc_put_named(out, known->name_number, known->before_number)
                                    : tracefunc_put_object(out, value, known->name_number, known->before_number);
}

/* --- What is described --- */

/* The name of a type and a text, as UTF-8. */
static int tracefunc_put_text(tracefunc_buffer *out, uint64_t name_number, PyObject *text) {
    size_t start = out->used;
    if (tracefunc_put_tag(out, TRACEFUNC_TAG_TEXT) < 0 || tracefunc_put_varint(out, name_number) < 0
            || tracefunc_put_characters(out, text, PyUnicode_GET_LENGTH(text)) < 0) {
        out->used = start;
        return -1;
    }
    return 1;
}
/* What a function returns, or `otherwise` if it raises an Exception. */
static PyObject *tracefunc_or(PyObject *answer, PyObject *otherwise) {
    if (answer == NULL && PyErr_ExceptionMatches(PyExc_Exception)) {
        PyErr_Clear();
        answer = Py_NewRef(otherwise);
    }
    return answer;
}
#define tracefunc_answer(function, value, otherwise) tracefunc_or(PyObject_CallOneArg(function, value), otherwise)
#define tracefunc_own_text(value) tracefunc_or(Py_TYPE(value)->tp_repr(value), Py_None)
