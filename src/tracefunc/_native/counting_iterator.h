/* An iterator that takes the place of a loop's own: it yields the same items and counts them, for a recorder, until that
   no longer wants the count.

   With the GIL only: neither the count nor the list of these iterators has a lock. */

#include <Python.h>
#include <string.h>

typedef struct tracefunc_counting {
    PyObject_HEAD
    PyObject *source;  /* an iterator, or a list or tuple; NULL after the end of these */
    Py_ssize_t index;  /* of the next item of a list or tuple; -1 for an iterator */
    long long *count;
    long long unheard;  /* takes the place of the count that nobody wants any more */
    PyObject *owner;  /* of the count */
    struct tracefunc_counting *next, **link;  /* the recorder's next iterator, and what refers to this one in its list */
} tracefunc_counting;

#define TRACEFUNC_SPARE 32
static tracefunc_counting *tracefunc_spare[TRACEFUNC_SPARE];  /* memory of freed ones, to be used again */
static int tracefunc_spares;

static void tracefunc_unlink(tracefunc_counting *self) {
    if (self->link != NULL) {
        *self->link = self->next;
        if (self->next != NULL)
            self->next->link = self->link;
        self->link = NULL;
    }
    self->count = &self->unheard;
    Py_CLEAR(self->owner);
}

static void tracefunc_counting_dealloc(PyObject *object) {
    tracefunc_counting *self = (tracefunc_counting *)object;
    PyObject_GC_UnTrack(object);
    tracefunc_unlink(self);
    Py_XDECREF(self->source);
    if (tracefunc_spares < TRACEFUNC_SPARE)
        tracefunc_spare[tracefunc_spares++] = self;
    else
        PyObject_GC_Del(object);
}

/* There is no `tp_clear`: only a frame's stack refers to the iterator, and a frame can be cleared. */
static int tracefunc_counting_traverse(PyObject *object, visitproc visit, void *arg) {
    Py_VISIT(((tracefunc_counting *)object)->source);
    Py_VISIT(((tracefunc_counting *)object)->owner);
    return 0;
}

static PyObject *tracefunc_counting_next(PyObject *object) {
    tracefunc_counting *self = (tracefunc_counting *)object;
    PyObject *source = self->source, *item;
    if (self->index < 0)
        item = Py_TYPE(source)->tp_iternext(source);
    else if (source == NULL)
        return NULL;
    else if (self->index < Py_SIZE(source)) {
        item = PyList_CheckExact(source) ? PyList_GET_ITEM(source, self->index) : PyTuple_GET_ITEM(source, self->index);
        Py_INCREF(item);
        self->index++;
    }
    else {
        self->source = NULL;
        Py_DECREF(source);
        return NULL;
    }
    if (item != NULL)
        ++*self->count;
    return item;
}

static PyTypeObject tracefunc_counting_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "tracefunc.counting_iterator",
    .tp_basicsize = sizeof(tracefunc_counting),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_traverse = tracefunc_counting_traverse,
    .tp_dealloc = tracefunc_counting_dealloc,
    .tp_iter = PyObject_SelfIter,
    .tp_iternext = tracefunc_counting_next,
};

/* A new iterator, in the list that begins with `*first`; NULL and an exception if there is none. */
static PyObject *tracefunc_count(PyObject *iterable, long long *count, PyObject *owner, tracefunc_counting **first) {
    int indexed = PyList_CheckExact(iterable) || PyTuple_CheckExact(iterable);
    PyObject *source = indexed ? Py_NewRef(iterable) : PyObject_GetIter(iterable);
    tracefunc_counting *self;
    if (source == NULL)
        return NULL;
    if (tracefunc_spares > 0)
        self = (tracefunc_counting *)PyObject_Init((PyObject *)tracefunc_spare[--tracefunc_spares], &tracefunc_counting_type);
    else
        self = PyObject_GC_New(tracefunc_counting, &tracefunc_counting_type);
    if (self == NULL) {
        Py_DECREF(source);
        return NULL;
    }
    self->source = source;
    self->index = indexed ? 0 : -1;
    self->count = count;
    self->unheard = 0;
    self->owner = Py_NewRef(owner);
    self->next = *first;
    self->link = first;
    if (self->next != NULL)
        self->next->link = &self->next;
    *first = self;
    PyObject_GC_Track(self);
    return (PyObject *)self;
}

/* --- References in a frame's slots: the lowest two bits of a word are a tag. They are 0 for a reference that the frame
   owns. From 3.14 on (2025) the first is set for a borrowed one (https://github.com/python/cpython/issues/130704), and
   both for an integer in place of a reference. references_are_known() verifies that. --- */

/* The object in a slot; NULL if there is none. */
static inline PyObject *tracefunc_in_slot(uintptr_t *slot) {
    return (*slot & 3) == 3 ? NULL : (PyObject *)(*slot & ~(uintptr_t)3);
}

/* The value of a variable in its slot, a borrowed reference, or NULL: what the slot has, or the cell in it. */
static inline PyObject *tracefunc_in_variable(uintptr_t *slot, int may_be_cell) {
    PyObject *held = tracefunc_in_slot(slot);
    return may_be_cell && held != NULL && PyCell_Check(held) ? PyCell_GET(held) : held;
}

/* Put an object into a slot, which gets the reference. */
static void tracefunc_put_into_slot(uintptr_t *slot, PyObject *object) {
    uintptr_t before = *slot;
    *slot = (uintptr_t)object;
    if (!(before & 1))  /* otherwise it is borrowed */
        Py_DECREF((PyObject *)before);
}

/* --- Iterables --- */

/* Whether objects of exactly this type know how many items they have, and are iterated over without Python code. */
static int tracefunc_is_sized(PyTypeObject *type) {
    return type == &PyRange_Type || type == &PyList_Type || type == &PyTuple_Type || type == &PyDict_Type
        || type == &PyUnicode_Type || type == &PyBytes_Type || type == &PySet_Type || type == &PyFrozenSet_Type
        || type == &PyByteArray_Type || type == &PyDictKeys_Type || type == &PyDictValues_Type
        || type == &PyDictItems_Type || type == &PyRangeIter_Type || type == &PyListIter_Type
        || type == &PyTupleIter_Type;
}

/* Whether a counting iterator may take an iterable's place: it is of one of these types, or an iterator written in C
   that the interpreter has no short cut for. */
static int tracefunc_is_suitable(PyObject *iterable) {
    PyTypeObject *type = Py_TYPE(iterable);
    if (tracefunc_is_sized(type))
        return 1;
    return type->tp_iter == PyObject_SelfIter && type->tp_flags & Py_TPFLAGS_IMMUTABLETYPE
        && type != &PyGen_Type && type != &PyCoro_Type && type != &PyAsyncGen_Type;
}

/* How many items a suitable iterable is expected to have. */
static Py_ssize_t tracefunc_length(PyObject *iterable) {
    if (!tracefunc_is_sized(Py_TYPE(iterable)))
        return PY_SSIZE_T_MAX;
    Py_ssize_t length = PyObject_LengthHint(iterable, 0);
    if (length >= 0)
        return length;
    PyErr_Clear();  /* more than can be counted */
    return PY_SSIZE_T_MAX;
}
