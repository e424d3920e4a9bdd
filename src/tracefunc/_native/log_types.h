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
#define tracefunc_answer(function, value, otherwise) tracefunc_or(PyObject_CallOneArg(function, value), otherwise)
#define tracefunc_object_text(value) tracefunc_or(PyBaseObject_Type.tp_repr(value), Py_None)
