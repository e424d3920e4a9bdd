/* Containers of numbers and strings as bytes: the twin of `_log/values.py`; and the names of types, kept by type. */

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
    Py_ssize_t many = is_set ? PySet_GET_SIZE(value) : tag == TRACEFUNC_TAG_DICT ? PyDict_GET_SIZE(value) : Py_SIZE(value);
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

/* --- Objects without a repr of their own --- */

/* The numbers of the texts that show objects of a type, for as long as its version and its names are the same. A version
   is never given twice, and changes with the module; the names are kept, so that no other ones have their addresses. */
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
    if (tracefunc_is_heap_type(kind) && !(PyUnicode_CheckExact(heap->ht_name) && PyUnicode_CheckExact(heap->ht_qualname)))
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
static int tracefunc_put_object(tracefunc_buffer *out, PyObject *value, const tracefunc_known_type *known) {
    unsigned char *to = tracefunc_reserve(out, 29);
    if (to == NULL)
        return -1;
    *to++ = TRACEFUNC_TAG_OBJECT;
    to = tracefunc_varint_at(to, known->name_number);
    to = tracefunc_varint_at(to, known->before_number);
    tracefunc_commit(out, tracefunc_bytes_at(to, (uint64_t)(uintptr_t)value, 8));
    return 1;
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
#define tracefunc_described(describe, value, unavailable) tracefunc_or(PyObject_CallOneArg(describe, value), unavailable)
#define tracefunc_object_text(value) tracefunc_or(PyBaseObject_Type.tp_repr(value), Py_None)
