/* Values as bytes, without asking them for anything: the twin of `_log/values.py` for what is shown by its repr alone. */

#include <stdint.h>

/* The tags, as in `_log/values.py`. */
enum {
    TRACEFUNC_TAG_UNAVAILABLE = 1, TRACEFUNC_TAG_NOT_READ, TRACEFUNC_TAG_REDACTED,
    TRACEFUNC_TAG_NONE, TRACEFUNC_TAG_FALSE, TRACEFUNC_TAG_TRUE,
    TRACEFUNC_TAG_INT8, TRACEFUNC_TAG_INT16, TRACEFUNC_TAG_INT32, TRACEFUNC_TAG_INT64, TRACEFUNC_TAG_FLOAT,
    TRACEFUNC_TAG_STR, TRACEFUNC_TAG_STR_CUT, TRACEFUNC_TAG_BYTES, TRACEFUNC_TAG_BYTES_CUT,
    TRACEFUNC_TAG_LIST, TRACEFUNC_TAG_TUPLE, TRACEFUNC_TAG_SET, TRACEFUNC_TAG_FROZENSET, TRACEFUNC_TAG_DICT,
    TRACEFUNC_TAG_MORE, TRACEFUNC_TAG_OBJECT, TRACEFUNC_TAG_TEXT, TRACEFUNC_TAG_SMALL = 0x80
};
/* Which values `describe` shows by their repr alone, as in `_values/describe.py`. */
enum { TRACEFUNC_NOTHING, TRACEFUNC_NUMBERS_AND_STRINGS, TRACEFUNC_CONTAINERS_TOO, TRACEFUNC_OBJECTS };

/* --- Bytes --- */

/* Bytes that grow at their end. All zero: none yet. */
typedef struct {
    unsigned char *data;
    size_t used, capacity;
} tracefunc_buffer;

static int tracefunc_grow(tracefunc_buffer *out, size_t more) {
    size_t wanted = out->used + more, capacity = out->capacity < 64 ? 128 : out->capacity * 2;
    if (capacity < wanted)
        capacity = wanted;
    unsigned char *data = wanted < more ? NULL : PyMem_RawRealloc(out->data, capacity);
    if (data == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    out->data = data;
    out->capacity = capacity;
    return 0;
}
static inline void tracefunc_release(tracefunc_buffer *out) {
    PyMem_RawFree(out->data);
    memset(out, 0, sizeof(*out));
}
/* Where the next bytes go, of which there is room for some more; NULL with an error set if there is no memory. */
static inline unsigned char *tracefunc_reserve(tracefunc_buffer *out, size_t more) {
    if (out->capacity - out->used < more && tracefunc_grow(out, more) < 0)
        return NULL;
    return out->data + out->used;
}
static inline void tracefunc_commit(tracefunc_buffer *out, const unsigned char *end) {
    out->used = (size_t)(end - out->data);
}
/* A number takes 10 bytes at most. */
static inline unsigned char *tracefunc_varint_at(unsigned char *to, uint64_t number) {
    while (number > 127) {
        *to++ = (unsigned char)(number | 128);
        number >>= 7;
    }
    *to++ = (unsigned char)number;
    return to;
}
static inline int tracefunc_put_varint(tracefunc_buffer *out, uint64_t number) {
    unsigned char *to = tracefunc_reserve(out, 10);
    if (to == NULL)
        return -1;
    tracefunc_commit(out, tracefunc_varint_at(to, number));
    return 0;
}
/* The lowest bytes of a number, the lowest first. */
static inline unsigned char *tracefunc_bytes_at(unsigned char *to, uint64_t bits, int size) {
    for (int i = 0; i < size; i++)
        to[i] = (unsigned char)(bits >> (8 * i));
    return to + size;
}

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
static inline int tracefunc_put_tag(tracefunc_buffer *out, int tag) {
    unsigned char *to = tracefunc_reserve(out, 1);
    if (to == NULL)
        return -1;
    *to = (unsigned char)tag;
    out->used++;
    return 1;
}
/* A character as UTF-8, a surrogate like any other. */
static inline unsigned char *tracefunc_character_at(unsigned char *to, Py_UCS4 c) {
    if (c < 0x80) {
        *to++ = (unsigned char)c;
        return to;
    }
    if (c < 0x800)
        *to++ = (unsigned char)(0xC0 | c >> 6);
    else {
        if (c < 0x10000)
            *to++ = (unsigned char)(0xE0 | c >> 12);
        else {
            *to++ = (unsigned char)(0xF0 | c >> 18);
            *to++ = (unsigned char)(0x80 | (c >> 12 & 63));
        }
        *to++ = (unsigned char)(0x80 | (c >> 6 & 63));
    }
    *to++ = (unsigned char)(0x80 | (c & 63));
    return to;
}
/* The size of the first characters of a text, and these, as UTF-8. */
static int tracefunc_put_other_characters(tracefunc_buffer *out, PyObject *text, Py_ssize_t many) {
    int kind = PyUnicode_KIND(text);
    const void *data = PyUnicode_DATA(text);
    size_t size = (size_t)many;
    for (Py_ssize_t i = 0; i < many; i++) {
        Py_UCS4 c = PyUnicode_READ(kind, data, i);
        size += (size_t)((c >= 0x80) + (c >= 0x800) + (c >= 0x10000));
    }
    unsigned char *to = tracefunc_reserve(out, size + 10);
    if (to == NULL)
        return -1;
    to = tracefunc_varint_at(to, size);
    for (Py_ssize_t i = 0; i < many; i++)
        to = tracefunc_character_at(to, PyUnicode_READ(kind, data, i));
    tracefunc_commit(out, to);
    return 1;
}
static inline int tracefunc_put_bytes(tracefunc_buffer *out, const void *data, Py_ssize_t size) {
    unsigned char *to = tracefunc_reserve(out, (size_t)size + 10);
    if (to == NULL)
        return -1;
    to = tracefunc_varint_at(to, (uint64_t)size);
    memcpy(to, data, (size_t)size);
    tracefunc_commit(out, to + size);
    return 1;
}
static inline int tracefunc_put_characters(tracefunc_buffer *out, PyObject *text, Py_ssize_t many) {
    if (PyUnicode_IS_ASCII(text))
        return tracefunc_put_bytes(out, PyUnicode_1BYTE_DATA(text), many);
    return tracefunc_put_other_characters(out, text, many);
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
static inline int tracefunc_put_bytes_object(tracefunc_buffer *out, PyObject *value, Py_ssize_t room, Py_ssize_t *least) {
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
        return tracefunc_put_bytes_object(out, value, room, least);
    return 0;
}
