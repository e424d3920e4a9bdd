/* Bytes that grow at their end, and what is appended to them: numbers and texts. The twin of `_log/varints.py`. */

#include <stdint.h>

/* All zero: there are none yet. */
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
static inline int tracefunc_put_tag(tracefunc_buffer *out, int tag) {
    unsigned char *to = tracefunc_reserve(out, 1);
    if (to == NULL)
        return -1;
    *to = (unsigned char)tag;
    out->used++;
    return 1;
}

/* --- Texts --- */

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
