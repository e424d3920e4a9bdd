/* Parts of a record that are kept apart from it, since later ones take the place of earlier ones. */

typedef struct {
    long long moment;
    unsigned char *data;
    size_t size, capacity;
    size_t plain;  /* of that size: without what was noted later */
} tracefunc_part;

/* All zero: none is kept. The first ones stay where they are; the others are a ring, once there are as many as are kept
   at most. */
typedef struct {
    tracefunc_part *parts;
    Py_ssize_t many, capacity;
    Py_ssize_t turn;  /* how far the ring has turned */
} tracefunc_ring;

static void tracefunc_free_ring(tracefunc_ring *ring) {
    for (Py_ssize_t i = 0; i < ring->many; i++)
        PyMem_Free(ring->parts[i].data);
    PyMem_Free(ring->parts);
    memset(ring, 0, sizeof(*ring));
}
/* Give a part room for some bytes, and no more than a few times of what it needs. */
static int tracefunc_resize_part(tracefunc_part *part, size_t size) {
    if (part->capacity >= size && part->capacity <= 4 * size + 64)
        return 0;
    size_t capacity = (size + 15) & ~(size_t)15;
    unsigned char *data = PyMem_Realloc(part->data, capacity);
    if (data == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    part->data = data;
    part->capacity = capacity;
    return 0;
}
static int tracefunc_fill_part(tracefunc_part *part, long long moment, const unsigned char *data, size_t size, size_t plain) {
    if (tracefunc_resize_part(part, size) < 0)
        return -1;
    memcpy(part->data, data, size);
    part->moment = moment;
    part->size = size;
    part->plain = plain;
    return 0;
}
static int tracefunc_grow_ring(tracefunc_ring *ring, Py_ssize_t most) {
    Py_ssize_t capacity = ring->capacity == 0 ? 2 : 2 * ring->capacity;
    if (capacity > most)
        capacity = most;
    tracefunc_part *parts = PyMem_Realloc(ring->parts, (size_t)capacity * sizeof(tracefunc_part));
    if (parts == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    memset(parts + ring->capacity, 0, (size_t)(capacity - ring->capacity) * sizeof(tracefunc_part));
    ring->parts = parts;
    ring->capacity = capacity;
    return 0;
}
/* Keep a part, one of `most`. When there is one too many, that with the number `surplus` goes. */
static int tracefunc_keep_part(
    tracefunc_ring *ring, Py_ssize_t most, Py_ssize_t surplus, const tracefunc_part *new_one
) {
    tracefunc_part *part;
    if (ring->many < most) {
        if (ring->many == ring->capacity && tracefunc_grow_ring(ring, most) < 0)
            return -1;
        part = &ring->parts[ring->many];
    } else if (surplus >= most)
        return 0;
    else
        part = &ring->parts[surplus + ring->turn];
    if (tracefunc_fill_part(part, new_one->moment, new_one->data, new_one->size, new_one->plain) < 0)
        return -1;
    if (ring->many < most)
        ring->many++;
    else
        ring->turn = ring->turn + 1 == most - surplus ? 0 : ring->turn + 1;
    return 0;
}
/* The part of a moment, or NULL. */
static tracefunc_part *tracefunc_part_of(tracefunc_ring *ring, long long moment) {
    for (Py_ssize_t i = ring->many - 1; i >= 0; i--)
        if (ring->parts[i].moment == moment)
            return &ring->parts[i];
    return NULL;
}
/* Put other bytes behind a part, in place of those that were put there before, and another tag before it. */
static int tracefunc_end_part(tracefunc_part *part, int tag, const unsigned char *data, size_t size) {
    if (tracefunc_resize_part(part, part->plain + size) < 0)
        return -1;
    part->data[0] = (unsigned char)tag;
    memcpy(part->data + part->plain, data, size);
    part->size = part->plain + size;
    return 0;
}
/* Append all parts of a ring in the order in which they came. */
static int tracefunc_put_ring(tracefunc_buffer *out, const tracefunc_ring *ring, Py_ssize_t surplus) {
    for (Py_ssize_t i = 0; i < ring->many; i++) {
        Py_ssize_t at = i < surplus ? i : i + ring->turn;
        const tracefunc_part *part = &ring->parts[at < ring->many ? at : at - ring->many + surplus];
        if (tracefunc_put_raw(out, part->data, part->size) < 0)
            return -1;
    }
    return 0;
}
static int tracefunc_by_moment(const void *one, const void *other) {
    long long a = (*(const tracefunc_part *const *)one)->moment, b = (*(const tracefunc_part *const *)other)->moment;
    return (a > b) - (a < b);
}
/* Append all parts of several rings in the order of their moments. */
static int tracefunc_put_rings(tracefunc_buffer *out, const tracefunc_ring *rings, Py_ssize_t number) {
    size_t many = 0, at = 0;
    int done = 0;
    for (Py_ssize_t i = 0; i < number; i++)
        many += (size_t)rings[i].many;
    const tracefunc_part **all = PyMem_Malloc((many + 1) * sizeof(*all));
    if (all == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t i = 0; i < number; i++)
        for (Py_ssize_t k = 0; k < rings[i].many; k++)
            all[at++] = &rings[i].parts[k];
    qsort(all, many, sizeof(*all), tracefunc_by_moment);
    for (at = 0; done == 0 && at < many; at++)
        done = tracefunc_put_raw(out, all[at]->data, all[at]->size);
    PyMem_Free(all);
    return done;
}
