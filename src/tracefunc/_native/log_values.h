/* Values as bytes, without asking them for anything: the twin of `_log/values.py` for what its repr alone shows. */

/* The tags, as in `_log/values.py`. */
enum {
    TRACEFUNC_TAG_UNAVAILABLE = 1, TRACEFUNC_TAG_NOT_READ, TRACEFUNC_TAG_REDACTED,
    TRACEFUNC_TAG_NONE, TRACEFUNC_TAG_FALSE, TRACEFUNC_TAG_TRUE,
    TRACEFUNC_TAG_INT8, TRACEFUNC_TAG_INT16, TRACEFUNC_TAG_INT32, TRACEFUNC_TAG_INT64, TRACEFUNC_TAG_FLOAT,
    TRACEFUNC_TAG_STR, TRACEFUNC_TAG_STR_CUT, TRACEFUNC_TAG_BYTES, TRACEFUNC_TAG_BYTES_CUT,
    TRACEFUNC_TAG_LIST, TRACEFUNC_TAG_TUPLE, TRACEFUNC_TAG_SET, TRACEFUNC_TAG_FROZENSET, TRACEFUNC_TAG_DICT,
    TRACEFUNC_TAG_MORE, TRACEFUNC_TAG_OBJECT, TRACEFUNC_TAG_TEXT, TRACEFUNC_TAG_NAMED,
    TRACEFUNC_TAG_SMALL = 0x80
};
/* Which values `describe` shows by their repr alone, as in `_values/describe.py`. */
enum { TRACEFUNC_NOTHING, TRACEFUNC_NUMBERS_AND_STRINGS, TRACEFUNC_CONTAINERS_TOO, TRACEFUNC_OBJECTS };

/* --- Numbers and strings. Each function says in `*least` how many characters the repr has at least. --- */

static inline int tracefunc_put_int64(tracefunc_buffer *out, int64_t number, Py_ssize_t *least) {
    unsigned char *to = tracefunc_reserve(out, 9);
    uint64_t bits = (uint64_t)number;
    if (to == NULL)
        return -1;
    if (bits < 128) {
        *to++ = (unsigned char)(TRACEFUNC_TAG_SMALL | bits);
        *least = 1;
    } else if (number == (int8_t)number) {
        *to++ = TRACEFUNC_TAG_INT8;
        to = tracefunc_bytes_at(to, bits, 1);
        *least = 2;
    } else if (number == (int16_t)number) {
        *to++ = TRACEFUNC_TAG_INT16;
        to = tracefunc_bytes_at(to, bits, 2);
        *least = 3;
    } else if (number == (int32_t)number) {
        *to++ = TRACEFUNC_TAG_INT32;
        to = tracefunc_bytes_at(to, bits, 4);
        *least = 5;
    } else {
        *to++ = TRACEFUNC_TAG_INT64;
        to = tracefunc_bytes_at(to, bits, 8);
        *least = 10;
    }
    tracefunc_commit(out, to);
    return 1;
}
static inline int tracefunc_put_int(tracefunc_buffer *out, PyObject *value, Py_ssize_t *least) {
    int overflow;
    if (PyUnstable_Long_IsCompact((PyLongObject *)value))
        return tracefunc_put_int64(out, PyUnstable_Long_CompactValue((PyLongObject *)value), least);
    long long number = PyLong_AsLongLongAndOverflow(value, &overflow);
    return overflow ? 0 : tracefunc_put_int64(out, number, least);
}
static inline int tracefunc_put_float(tracefunc_buffer *out, double number, Py_ssize_t *least) {
    unsigned char *to = tracefunc_reserve(out, 9);
    uint64_t bits;
    if (to == NULL)
        return -1;
    memcpy(&bits, &number, 8);
    *to++ = TRACEFUNC_TAG_FLOAT;
    tracefunc_commit(out, tracefunc_bytes_at(to, bits, 8));
    *least = 3;
    return 1;
}
/* The tag of a string, and if that is cut, which quote its repr has. */
static int tracefunc_put_cut(tracefunc_buffer *out, int tag, int has_single, int has_double) {
    unsigned char *to = tracefunc_reserve(out, 2);
    if (to == NULL)
        return -1;
    *to++ = (unsigned char)tag;
    *to++ = has_single && !has_double ? '"' : '\'';
    tracefunc_commit(out, to);
    return 1;
}
static int tracefunc_put_cut_str(tracefunc_buffer *out, PyObject *value, Py_ssize_t room) {
    Py_ssize_t length = PyUnicode_GET_LENGTH(value);
    int has_single = PyUnicode_FindChar(value, '\'', 0, length, 1) >= 0;
    int has_double = has_single && PyUnicode_FindChar(value, '"', 0, length, 1) >= 0;
    int done = tracefunc_put_cut(out, TRACEFUNC_TAG_STR_CUT, has_single, has_double);
    return done < 0 ? done : tracefunc_put_characters(out, value, room);
}
static int tracefunc_put_cut_bytes(tracefunc_buffer *out, PyObject *value, Py_ssize_t room) {
    const char *data = PyBytes_AS_STRING(value);
    size_t length = (size_t)PyBytes_GET_SIZE(value);
    int has_single = memchr(data, '\'', length) != NULL, has_double = has_single && memchr(data, '"', length) != NULL;
    int done = tracefunc_put_cut(out, TRACEFUNC_TAG_BYTES_CUT, has_single, has_double);
    return done < 0 ? done : tracefunc_put_bytes(out, data, room);
}
static inline int tracefunc_put_str(tracefunc_buffer *out, PyObject *value, Py_ssize_t room, Py_ssize_t *least) {
    Py_ssize_t length = PyUnicode_GET_LENGTH(value);
    *least = (length > room ? room : length) + 2;
    if (length > room)
        return tracefunc_put_cut_str(out, value, room);
    int done = tracefunc_put_tag(out, TRACEFUNC_TAG_STR);
    return done < 0 ? done : tracefunc_put_characters(out, value, length);
}
static inline int tracefunc_put_bytestring(tracefunc_buffer *out, PyObject *value, Py_ssize_t room, Py_ssize_t *least) {
    Py_ssize_t length = PyBytes_GET_SIZE(value);
    *least = (length > room ? room : length) + 3;
    if (length > room)
        return tracefunc_put_cut_bytes(out, value, room);
    int done = tracefunc_put_tag(out, TRACEFUNC_TAG_BYTES);
    return done < 0 ? done : tracefunc_put_bytes(out, PyBytes_AS_STRING(value), length);
}
/* 1: it was appended; 0: it is no such value, or no such integer; -1: an error is set, and some may be appended. */
static inline int tracefunc_put_scalar(tracefunc_buffer *out, PyObject *value, Py_ssize_t room, Py_ssize_t *least) {
    PyTypeObject *kind = Py_TYPE(value);
    if (kind == &PyLong_Type)
        return tracefunc_put_int(out, value, least);
    if (kind == &PyUnicode_Type)
        return tracefunc_put_str(out, value, room, least);
    if (kind == &PyFloat_Type)
        return tracefunc_put_float(out, PyFloat_AS_DOUBLE(value), least);
    *least = 4;
    if (value == Py_None)
        return tracefunc_put_tag(out, TRACEFUNC_TAG_NONE);
    if (kind == &PyBool_Type)
        return tracefunc_put_tag(out, value == Py_True ? TRACEFUNC_TAG_TRUE : TRACEFUNC_TAG_FALSE);
    if (kind == &PyBytes_Type)
        return tracefunc_put_bytestring(out, value, room, least);
    return 0;
}

/* --- Containers --- */

enum { TRACEFUNC_DEPTH = 8 };  /* containers within one another, as in `_log/values.py` */

typedef struct {
    tracefunc_buffer *out;
    Py_ssize_t room, left;  /* of a text, and how many characters of it are left at most */
    int depth;
    PyObject *above[TRACEFUNC_DEPTH];  /* the containers that are being written */
} tracefunc_walk;

static inline int tracefunc_container_tag(PyTypeObject *kind) {
    return kind == &PyList_Type ? TRACEFUNC_TAG_LIST
        : kind == &PyDict_Type ? TRACEFUNC_TAG_DICT
        : kind == &PyTuple_Type ? TRACEFUNC_TAG_TUPLE
        : kind == &PySet_Type ? TRACEFUNC_TAG_SET
        : kind == &PyFrozenSet_Type ? TRACEFUNC_TAG_FROZENSET : 0;
}
static int tracefunc_put_container(tracefunc_walk *walk, PyObject *value, int tag);

/* 1: the next item was appended; 2: there is no room for it; 0, -1: as below. */
static inline int tracefunc_put_next(tracefunc_walk *walk, PyObject *item, Py_ssize_t written) {
    Py_ssize_t least;
    if (written > 0)
        walk->left -= 2;  /* a comma or a colon, and a blank */
    if (walk->left <= 0) {
        int done = tracefunc_put_tag(walk->out, TRACEFUNC_TAG_MORE);
        return done < 0 ? done : 2;
    }
    int done = tracefunc_put_scalar(walk->out, item, walk->room, &least);
    if (done > 0)
        walk->left -= least;
    if (done != 0)
        return done;
    int tag = tracefunc_container_tag(Py_TYPE(item));
    if (tag == 0)
        return 0;
    if (tracefunc_free_threaded)  /* the container that it is in may be changed while another lock is waited for */
        Py_INCREF(item);
    done = tracefunc_put_container(walk, item, tag);
    if (tracefunc_free_threaded)
        Py_DECREF(item);
    return done;
}
/* The items of a container. 1: all of them; 2: as many as there is room for; 0, -1: as below. */
static int tracefunc_put_list(tracefunc_walk *walk, PyObject *value, Py_ssize_t many) {
    int done = 1;
    Py_ssize_t i = 0;
    for (; done == 1 && i < many && i < PyList_GET_SIZE(value); i++)
        done = tracefunc_put_next(walk, PyList_GET_ITEM(value, i), i);
    return done == 1 && i < many ? 0 : done;
}
static int tracefunc_put_tuple(tracefunc_walk *walk, PyObject *value, Py_ssize_t many) {
    int done = 1;
    for (Py_ssize_t i = 0; done == 1 && i < many; i++)
        done = tracefunc_put_next(walk, PyTuple_GET_ITEM(value, i), i);
    return done;
}
static int tracefunc_put_dict(tracefunc_walk *walk, PyObject *value, Py_ssize_t many) {
    int done = 1;
    Py_ssize_t i = 0, at = 0;
    PyObject *key, *item;
    while (done == 1 && i < many && PyDict_Next(value, &at, &key, &item)) {
        if (tracefunc_free_threaded)
            Py_INCREF(item);
        done = tracefunc_put_next(walk, key, i++);
        if (done == 1)
            done = tracefunc_put_next(walk, item, 1);
        if (tracefunc_free_threaded)
            Py_DECREF(item);
    }
    return done == 1 && i < many ? 0 : done;
}
static int tracefunc_put_set(tracefunc_walk *walk, PyObject *value, Py_ssize_t many) {
    int done = 1;
    Py_ssize_t i = 0;
    PyObject *item, *items = PyObject_GetIter(value);
    while (items != NULL && done == 1 && i < many && (item = PyIter_Next(items)) != NULL) {
        done = tracefunc_put_next(walk, item, i++);
        Py_DECREF(item);
    }
    if (items == NULL || (done == 1 && i < many)) {  /* no memory, or another thread has changed it */
        PyErr_Clear();
        done = 0;
    }
    Py_XDECREF(items);
    return done;
}
static inline int tracefunc_put_items(tracefunc_walk *walk, PyObject *value, int tag, Py_ssize_t many) {
    if (tag == TRACEFUNC_TAG_LIST)
        return tracefunc_put_list(walk, value, many);
    if (tag == TRACEFUNC_TAG_DICT)
        return tracefunc_put_dict(walk, value, many);
    if (tag == TRACEFUNC_TAG_TUPLE)
        return tracefunc_put_tuple(walk, value, many);
    return tracefunc_put_set(walk, value, many);
}
/* A container of numbers, strings and such containers. 1: it was appended; 0: it is no such container, or is nested too
   deep; -1: an error is set. Unless 1 is returned, some may be appended. */
static int tracefunc_put_container(tracefunc_walk *walk, PyObject *value, int tag) {
    int is_set = tag == TRACEFUNC_TAG_SET || tag == TRACEFUNC_TAG_FROZENSET, done;
    if (walk->depth == TRACEFUNC_DEPTH)
        return 0;
    for (int i = 0; i < walk->depth; i++)
        if (walk->above[i] == value)
            return 0;
    tracefunc_section section;
    if (!is_set)  /* its iterator does so */
        tracefunc_enter(&section, value);
    Py_ssize_t many =
        is_set ? PySet_GET_SIZE(value) : tag == TRACEFUNC_TAG_DICT ? PyDict_GET_SIZE(value) : Py_SIZE(value);
    if (tracefunc_put_tag(walk->out, tag) < 0 || tracefunc_put_varint(walk->out, (uint64_t)many) < 0)
        done = -1;
    else if (many == 0) {
        walk->left -= tag == TRACEFUNC_TAG_FROZENSET ? 11 : tag == TRACEFUNC_TAG_SET ? 5 : 2;
        done = 1;
    } else {
        walk->left -= tag == TRACEFUNC_TAG_FROZENSET ? 11 : 1;
        walk->above[walk->depth++] = value;
        done = tracefunc_put_items(walk, value, tag, many);
        walk->depth--;
        if (done == 1)
            walk->left--;
    }
    if (!is_set)
        tracefunc_leave(&section, value);
    return done == 2 ? 1 : done;
}

/* --- Containers whose repr is under way --- */

/* Where `open_reprs` has found them: UNASKED, in the interpreter's own list, or elsewhere. */
enum { TRACEFUNC_REPRS_UNKNOWN, TRACEFUNC_REPRS_OF_INTERPRETER, TRACEFUNC_REPRS_ELSEWHERE };
static int tracefunc_where_reprs = TRACEFUNC_REPRS_UNKNOWN;

/* The interpreter's list of the containers whose repr is under way in this thread, a borrowed reference, or NULL. */
static PyObject *tracefunc_interpreters_reprs(void) {
    static PyObject *name = NULL;
    PyObject *here = PyThreadState_GetDict(), *open = NULL;
    if (name == NULL)
        name = PyUnicode_InternFromString("Py_Repr");
    if (name != NULL && here != NULL)
        open = PyDict_GetItemWithError(here, name);
    if (open == NULL)
        PyErr_Clear();
    return open != NULL && PyList_CheckExact(open) ? open : NULL;
}
static void tracefunc_note_reprs(PyObject *open_reprs) {
    tracefunc_where_reprs =
        open_reprs == tracefunc_interpreters_reprs() ? TRACEFUNC_REPRS_OF_INTERPRETER : TRACEFUNC_REPRS_ELSEWHERE;
}
static int tracefunc_no_repr_is_open(void) {
    PyObject *open = tracefunc_interpreters_reprs();
    return open == NULL || PyList_GET_SIZE(open) == 0;
}

/* --- Values --- */

/* 1: the value was appended; 0: it is to be described, and nothing was appended; -1: likewise, and an error is set. */
static int tracefunc_put_any_container(tracefunc_buffer *out, PyObject *value, Py_ssize_t room) {
    size_t start = out->used;
    tracefunc_walk walk = {.out = out, .room = room, .left = room};
    int done = tracefunc_put_container(&walk, value, tracefunc_container_tag(Py_TYPE(value)));
    if (done != 1)
        out->used = start;
    return done;
}
static inline int tracefunc_put_value(tracefunc_buffer *out, PyObject *value, Py_ssize_t room, int shown) {
    size_t start = out->used;
    Py_ssize_t least;
    if (shown == TRACEFUNC_NOTHING)
        return 0;
    int done = tracefunc_put_scalar(out, value, room, &least);
    if (done < 0)
        out->used = start;
    if (done != 0 || shown < TRACEFUNC_CONTAINERS_TOO || tracefunc_container_tag(Py_TYPE(value)) == 0)
        return done;
    if (shown == TRACEFUNC_OBJECTS
            && (tracefunc_where_reprs != TRACEFUNC_REPRS_OF_INTERPRETER || !tracefunc_no_repr_is_open()))
        return 0;
    return tracefunc_put_any_container(out, value, room);
}
