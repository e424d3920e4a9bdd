/* Attributes of values, read without running any code of the program: the twin of `_values/chains.py`. */

enum { TRACEFUNC_READ, TRACEFUNC_ABSENT, TRACEFUNC_NOT_READ };

/* Whether dictionaries say that they were made for keys that are exact `str`; keys_are_known() verifies that. */
static int tracefunc_knows_keys = 1;
static PyTypeObject *tracefunc_lazy_import = NULL;  /* the type of modules that are imported once they are used */

/* Whether all keys of a dictionary are exact `str`: looking up another one runs its `__eq__`. */
static int tracefunc_has_str_keys(PyObject *names) {
    const unsigned char *keys = (const unsigned char *)((PyDictObject *)names)->ma_keys;
    if (tracefunc_knows_keys && keys[sizeof(Py_ssize_t) + 2] != 0)
        return 1;
    int all = 1;
    Py_ssize_t at = 0;
    PyObject *key;
    tracefunc_section section;
    tracefunc_enter(&section, names);
    while (all && PyDict_Next(names, &at, &key, NULL))
        all = PyUnicode_CheckExact(key);
    tracefunc_leave(&section, names);
    return all;
}

/* What a dictionary has under a name, a new reference, or NULL. */
static PyObject *tracefunc_item(PyObject *names, PyObject *name, int *how) {
    PyObject *found = NULL;
    if (!tracefunc_has_str_keys(names)) {
        *how = TRACEFUNC_NOT_READ;
        return NULL;
    }
#if TRACEFUNC_HAS_GET_ITEM_REF
    if (PyDict_GetItemRef(names, name, &found) < 0)
        PyErr_Clear();
#else
    found = PyDict_GetItemWithError(names, name);
    if (found == NULL)
        PyErr_Clear();
    Py_XINCREF(found);
#endif
    return found;
}

/* What a class or its bases have stored under a name, a new reference, or NULL. */
static PyObject *tracefunc_in_class(PyTypeObject *kind, PyObject *name, int *how) {
    PyObject *found = NULL, *bases = Py_XNewRef(kind->tp_mro);
    for (Py_ssize_t i = 0; bases != NULL && i < PyTuple_GET_SIZE(bases); i++) {
        PyObject *names = PyType_GetDict((PyTypeObject *)PyTuple_GET_ITEM(bases, i));
        if (names == NULL)
            continue;
        found = tracefunc_item(names, name, how);
        Py_DECREF(names);
        if (found != NULL || *how == TRACEFUNC_NOT_READ)
            break;
    }
    Py_XDECREF(bases);
    return found;
}

static int tracefunc_class_has(PyTypeObject *kind, const char *text) {
    int how = TRACEFUNC_READ;
    PyObject *name = PyUnicode_InternFromString(text);
    PyObject *found = name == NULL ? NULL : tracefunc_in_class(kind, name, &how);
    Py_XDECREF(name);
    Py_XDECREF(found);
    return found != NULL || how == TRACEFUNC_NOT_READ;
}

/* How attributes of an object of that type are found, by its function for that; NULL if it may run code. */
static getattrofunc tracefunc_way(PyTypeObject *kind) {
    getattrofunc way = kind->tp_getattro;
    for (int tries = 2; tries > 0; tries--) {
        if (way == PyObject_GenericGetAttr || way == PyModule_Type.tp_getattro || way == PyType_Type.tp_getattro)
            return way;
        int how = TRACEFUNC_READ;  /* a class with a `__getattr__` has a function of its own, which asks for this first */
        PyObject *name = PyUnicode_InternFromString("__getattribute__");
        PyObject *found = name == NULL ? NULL : tracefunc_in_class(kind, name, &how);
        way = NULL;
        if (found != NULL && Py_IS_TYPE(found, &PyWrapperDescr_Type))
            way = (getattrofunc)((PyWrapperDescrObject *)found)->d_wrapped;
        Py_XDECREF(name);
        Py_XDECREF(found);
    }
    return NULL;
}

/* The dictionary of an object if it has one by now, a borrowed reference; its type is known to have a place for one. */
static PyObject *tracefunc_own_dict(PyObject *value) {
    PyTypeObject *kind = Py_TYPE(value);
    uintptr_t word = PyType_HasFeature(kind, Py_TPFLAGS_MANAGED_DICT)
        ? ((uintptr_t *)value)[TRACEFUNC_MANAGED_DICT_WORD]
        : *(uintptr_t *)((char *)value + kind->tp_dictoffset);
    return word & 1 ? NULL : (PyObject *)word;  /* tagged: it points to values */
}

/* An attribute in an object's dictionary, if it has one, or that it keeps without one; a new reference, or NULL. */
static PyObject *tracefunc_own(PyObject *value, PyObject *name, PyObject *in_class, int *how) {
    PyTypeObject *kind = Py_TYPE(value);
    PyObject *names = NULL, *found = NULL;
    int managed = PyType_HasFeature(kind, Py_TPFLAGS_MANAGED_DICT);
    if (kind->tp_dictoffset == 0)
        return NULL;
    if (kind->tp_dictoffset < 0 && !managed) {
        *how = TRACEFUNC_NOT_READ;
        return NULL;
    }
    tracefunc_section section;
    tracefunc_enter(&section, value);
    names = Py_XNewRef(tracefunc_own_dict(value));
    tracefunc_leave(&section, value);
    if (names != NULL) {
        found = tracefunc_item(names, name, how);
        Py_DECREF(names);
    } else if (managed && (in_class == NULL || Py_TYPE(in_class)->tp_descr_get == NULL)) {
        found = PyObject_GenericGetAttr(value, name);  /* makes no dictionary */
        if (found == NULL)
            PyErr_Clear();
    }
    return found;
}

static PyObject *tracefunc_of_object(PyObject *value, PyObject *name, int *how) {
    PyObject *found = NULL, *in_class = tracefunc_in_class(Py_TYPE(value), name, how);
    if (*how == TRACEFUNC_NOT_READ)
        return NULL;
    if (in_class == NULL)
        return tracefunc_own(value, name, NULL, how);
    descrgetfunc get = Py_TYPE(in_class)->tp_descr_get;
    if (Py_IS_TYPE(in_class, &PyMemberDescr_Type)) {
        if (((PyMemberDescrObject *)in_class)->d_member->flags & Py_AUDIT_READ)
            *how = TRACEFUNC_NOT_READ;
        else if ((found = get(in_class, value, (PyObject *)Py_TYPE(value))) == NULL)
            PyErr_Clear();  /* an empty slot, or a descriptor of another class */
    } else {
        if (get == NULL || Py_TYPE(in_class)->tp_descr_set == NULL)
            found = tracefunc_own(value, name, in_class, how);
        if (found == NULL && get == NULL && *how == TRACEFUNC_READ)
            return in_class;
        if (found == NULL)
            *how = TRACEFUNC_NOT_READ;
    }
    Py_DECREF(in_class);
    return found;
}

static PyObject *tracefunc_of_class(PyObject *value, PyObject *name, int *how) {
    PyObject *found = NULL, *in_kind = tracefunc_in_class(Py_TYPE(value), name, how);
    descrgetfunc get = in_kind == NULL ? NULL : Py_TYPE(in_kind)->tp_descr_get;
    if (get != NULL && Py_TYPE(in_kind)->tp_descr_set != NULL)
        *how = TRACEFUNC_NOT_READ;
    if (*how == TRACEFUNC_READ)
        found = tracefunc_in_class((PyTypeObject *)value, name, how);
    if (found != NULL && Py_TYPE(found)->tp_descr_get != NULL) {
        *how = TRACEFUNC_NOT_READ;
        Py_CLEAR(found);
    }
    if (found == NULL && get != NULL)
        *how = TRACEFUNC_NOT_READ;
    if (found == NULL && *how == TRACEFUNC_READ)
        return in_kind;
    Py_XDECREF(in_kind);
    return found;
}

/* An attribute of a value, a new reference; NULL if `*how` says that there is none, or that finding it may run code. */
static PyObject *tracefunc_attribute(PyObject *value, PyObject *name, int *how) {
    PyTypeObject *kind = Py_TYPE(value);
    getattrofunc way = kind == tracefunc_lazy_import ? NULL : tracefunc_way(kind);
    *how = TRACEFUNC_READ;
    PyObject *found = NULL;
    if (way == NULL)
        *how = TRACEFUNC_NOT_READ;
    else
        found = way == PyType_Type.tp_getattro ? tracefunc_of_class(value, name, how)
                                               : tracefunc_of_object(value, name, how);
    if (found != NULL && Py_IS_TYPE(found, tracefunc_lazy_import)) {  /* an attribute of a module */
        *how = TRACEFUNC_NOT_READ;
        Py_CLEAR(found);
    }
    if (found != NULL || *how == TRACEFUNC_NOT_READ)
        return found;
    *how = TRACEFUNC_ABSENT;
    if (tracefunc_class_has(kind, "__getattr__"))
        *how = TRACEFUNC_NOT_READ;
    else if (way == PyModule_Type.tp_getattro) {
        int own = TRACEFUNC_READ;
        PyObject *asked = PyUnicode_InternFromString("__getattr__");
        PyObject *hook = asked == NULL ? NULL : tracefunc_own(value, asked, NULL, &own);
        if (hook != NULL || own == TRACEFUNC_NOT_READ)
            *how = TRACEFUNC_NOT_READ;
        Py_XDECREF(asked);
        Py_XDECREF(hook);
    }
    return NULL;
}

/* The value at the end of a chain, a new reference; `*how` as above. It takes over the reference to `value`. */
static PyObject *tracefunc_follow(PyObject *value, PyObject *names, int *how) {
    *how = TRACEFUNC_READ;
    for (Py_ssize_t i = 0; value != NULL && i < PyTuple_GET_SIZE(names); i++) {
        PyObject *next = tracefunc_attribute(value, PyTuple_GET_ITEM(names, i), how);
        Py_DECREF(value);
        value = next;
    }
    return value;
}
