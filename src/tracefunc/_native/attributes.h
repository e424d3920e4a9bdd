/* Attributes of values, read without running any code of the program: the twin of `_values/chains.py`. */

enum { TRACEFUNC_READ, TRACEFUNC_ABSENT, TRACEFUNC_NOT_READ };

/* Whether dictionaries say that they were made for keys that are exact `str`; keys_are_known() verifies that. */
static int tracefunc_knows_keys = 1;
static PyTypeObject *tracefunc_lazy_import = NULL;  /* the type of modules that are imported once they are used */

/* Whether a dictionary says that all its keys are exact `str`. */
static inline int tracefunc_says_str_keys(PyObject *names) {
    const unsigned char *keys = (const unsigned char *)((PyDictObject *)names)->ma_keys;
    return tracefunc_knows_keys && keys[sizeof(Py_ssize_t) + 2] != 0;
}

/* Whether all keys of a dictionary are exact `str`: looking up another one runs its `__eq__`. */
static int tracefunc_has_str_keys(PyObject *names) {
    if (tracefunc_says_str_keys(names))
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

/* --- What classes say of an attribute --- */

/* Where an attribute of objects of one type is, as far as classes know. It holds as long as the version of the type, and
   that of the object itself if that is a class, are the same. A class of the same version has the same bases, and these
   have the same objects under the same names, so no reference is needed to them. What these objects are, descriptors
   for example, may change, and is looked at each time. */
typedef struct {
    PyTypeObject *kind, *owner;  /* only compared; the owner is the object itself, NULL if that is no class */
    unsigned int version, owner_version;
    getattrofunc way;  /* how its attributes are found; NULL if that may run code */
    PyObject *in_kind, *in_owner;  /* what is stored there under the name, or NULL */
    int how;  /* NOT_READ: another key would have to be compared to find that out */
    int has_hook;  /* whether `__getattr__` is asked for attributes that there are not; -1: not known yet */
} tracefunc_place;

/* The places of the types that were met last; all zero: none was yet. */
enum { TRACEFUNC_PLACES = 4 };
typedef struct {
    tracefunc_place places[TRACEFUNC_PLACES];
    int oldest;
} tracefunc_link;

/* The version of a class, 0 if it has none, or if it does not change with each class in which attributes are looked
   up: a metaclass may have put one among these that is no base. */
static unsigned int tracefunc_version_with_bases(PyTypeObject *kind) {
    PyObject *all = kind->tp_mro;
    if (all == NULL || !PyUnstable_Type_AssignVersionTag(kind))
        return 0;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(all); i++) {
        PyObject *base = PyTuple_GET_ITEM(all, i);
        int heard = base == (PyObject *)kind;
        for (Py_ssize_t k = -1; !heard && k < i; k++) {
            PyTypeObject *below = k < 0 ? kind : (PyTypeObject *)PyTuple_GET_ITEM(all, k);
            PyObject *bases = below->tp_bases;
            for (Py_ssize_t n = 0; bases != NULL && !heard && n < PyTuple_GET_SIZE(bases); n++)
                heard = PyTuple_GET_ITEM(bases, n) == base;
        }
        if (!heard)
            return 0;
    }
    return kind->tp_version_tag;
}

static inline tracefunc_place *tracefunc_known_place(tracefunc_link *link, PyObject *value) {
    PyTypeObject *kind = Py_TYPE(value);
    for (int i = 0; i < TRACEFUNC_PLACES; i++) {
        tracefunc_place *place = &link->places[i];
        if (place->kind == kind && place->version == kind->tp_version_tag
                && (place->owner == NULL
                    || (place->owner == (PyTypeObject *)value
                        && place->owner_version == place->owner->tp_version_tag)))
            return place;
    }
    return NULL;
}

/* Find a place, with references to what is stored there. */
static void tracefunc_find_place(tracefunc_place *place, PyObject *value, PyObject *name) {
    PyTypeObject *kind = Py_TYPE(value);
    memset(place, 0, sizeof(*place));
    place->has_hook = -1;
    place->how = TRACEFUNC_READ;
    place->way = kind == tracefunc_lazy_import ? NULL : tracefunc_way(kind);
    if (place->way == NULL)
        return;
    place->in_kind = tracefunc_in_class(kind, name, &place->how);
    if (place->how == TRACEFUNC_READ && place->way == PyType_Type.tp_getattro)
        place->in_owner = tracefunc_in_class((PyTypeObject *)value, name, &place->how);
}

/* Keep a place for the next time, if that can be; it has no references then. */
static void tracefunc_keep_place(tracefunc_link *link, const tracefunc_place *found, PyObject *value) {
    tracefunc_place kept = *found;
    kept.kind = Py_TYPE(value);
    kept.version = tracefunc_version_with_bases(kept.kind);
    if (kept.version == 0 || kept.how != TRACEFUNC_READ)
        return;
    if (kept.way == PyType_Type.tp_getattro) {
        kept.owner = (PyTypeObject *)value;
        kept.owner_version = tracefunc_version_with_bases(kept.owner);
        if (kept.owner_version == 0)
            return;
    }
    link->places[link->oldest] = kept;
    link->oldest = (link->oldest + 1) % TRACEFUNC_PLACES;
}

/* --- Attributes --- */

static PyObject *tracefunc_of_object(PyObject *value, PyObject *name, PyObject *in_class, int *how) {
    PyObject *found = NULL;
    if (in_class == NULL)
        return tracefunc_own(value, name, NULL, how);
    descrgetfunc get = Py_TYPE(in_class)->tp_descr_get;
    if (Py_IS_TYPE(in_class, &PyMemberDescr_Type)) {
        if (((PyMemberDescrObject *)in_class)->d_member->flags & Py_AUDIT_READ)
            *how = TRACEFUNC_NOT_READ;
        else if ((found = get(in_class, value, (PyObject *)Py_TYPE(value))) == NULL)
            PyErr_Clear();  /* an empty slot, or a descriptor of another class */
        return found;
    }
    if (get == NULL || Py_TYPE(in_class)->tp_descr_set == NULL)
        found = tracefunc_own(value, name, in_class, how);
    if (found == NULL && get == NULL && *how == TRACEFUNC_READ)
        return Py_NewRef(in_class);
    if (found == NULL)
        *how = TRACEFUNC_NOT_READ;
    return found;
}

static PyObject *tracefunc_of_class(PyObject *in_kind, PyObject *in_owner, int *how) {
    int asks = in_kind != NULL && Py_TYPE(in_kind)->tp_descr_get != NULL;
    if (asks && Py_TYPE(in_kind)->tp_descr_set != NULL)
        *how = TRACEFUNC_NOT_READ;
    else if (in_owner == NULL ? asks : Py_TYPE(in_owner)->tp_descr_get != NULL)
        *how = TRACEFUNC_NOT_READ;
    if (*how == TRACEFUNC_NOT_READ)
        return NULL;
    return Py_XNewRef(in_owner != NULL ? in_owner : in_kind);
}

/* Whether an object may be asked for an attribute that it does not have. */
static int tracefunc_asks_hook(tracefunc_place *place, PyObject *value) {
    static PyObject *name = NULL;
    if (place->has_hook < 0)
        place->has_hook = tracefunc_class_has(Py_TYPE(value), "__getattr__");
    if (place->has_hook || place->way != PyModule_Type.tp_getattro)
        return place->has_hook;
    int how = TRACEFUNC_READ;
    if (name == NULL)
        name = PyUnicode_InternFromString("__getattr__");
    PyObject *hook = name == NULL ? NULL : tracefunc_own(value, name, NULL, &how);
    Py_XDECREF(hook);
    return hook != NULL || how == TRACEFUNC_NOT_READ;
}

static PyObject *tracefunc_in_place(tracefunc_place *place, PyObject *value, PyObject *name, int *how) {
    PyObject *found = NULL;
    *how = place->way == NULL ? TRACEFUNC_NOT_READ : place->how;
    if (*how == TRACEFUNC_READ)
        found = place->way == PyType_Type.tp_getattro ? tracefunc_of_class(place->in_kind, place->in_owner, how)
                                                      : tracefunc_of_object(value, name, place->in_kind, how);
    if (found != NULL && Py_IS_TYPE(found, tracefunc_lazy_import)) {  /* an attribute of a module */
        *how = TRACEFUNC_NOT_READ;
        Py_CLEAR(found);
    }
    if (found == NULL && *how == TRACEFUNC_READ)
        *how = tracefunc_asks_hook(place, value) ? TRACEFUNC_NOT_READ : TRACEFUNC_ABSENT;
    return found;
}

/* An attribute of a value, a new reference; NULL if `*how` says that there is none, or that finding it may run code.
   `link` keeps what classes say of it, unless that is NULL. */
static PyObject *tracefunc_attribute(PyObject *value, PyObject *name, tracefunc_link *link, int *how) {
    tracefunc_place here, *known = link == NULL ? NULL : tracefunc_known_place(link, value);
    if (known != NULL)
        return tracefunc_in_place(known, value, name, how);
    tracefunc_find_place(&here, value, name);
    PyObject *found = tracefunc_in_place(&here, value, name, how);
    if (link != NULL)
        tracefunc_keep_place(link, &here, value);
    Py_XDECREF(here.in_kind);
    Py_XDECREF(here.in_owner);
    return found;
}

/* The value at the end of a chain, a new reference; `*how` as above. It takes over the reference to `value`. `links` are
   as many as names, or NULL. */
static PyObject *tracefunc_follow(PyObject *value, PyObject *names, tracefunc_link *links, int *how) {
    *how = TRACEFUNC_READ;
    for (Py_ssize_t i = 0; value != NULL && i < PyTuple_GET_SIZE(names); i++) {
        PyObject *next = tracefunc_attribute(value, PyTuple_GET_ITEM(names, i), links == NULL ? NULL : links + i, how);
        Py_DECREF(value);
        value = next;
    }
    return value;
}
