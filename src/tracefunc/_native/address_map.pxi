# Part of `_fastmon.pyx`: a hash table from addresses to what is known of them.

cdef struct Slot:
    void *key
    void *value


@cython.final
cdef class Map:
    """From addresses to addresses: open addressing, linear probing, slots moved back when one is emptied."""

    cdef Slot *slots
    cdef size_t mask
    cdef size_t used

    def __cinit__(self):
        self.slots = <Slot *>PyMem_Calloc(8, sizeof(Slot))
        if self.slots == NULL:
            raise MemoryError
        self.mask = 7

    def __dealloc__(self):
        PyMem_Free(self.slots)

    cdef inline size_t home(self, void *key) noexcept:
        cdef size_t number = <size_t>key
        return ((number >> 4) ^ (number >> 12)) & self.mask

    cdef inline void *get(self, void *key) noexcept:
        cdef size_t i = self.home(key)
        while self.slots[i].key != NULL:
            if self.slots[i].key == key:
                return self.slots[i].value
            i = (i + 1) & self.mask
        return NULL

    cdef int put(self, void *key, void *value) except -1:
        if self.used * 2 > self.mask:
            self.grow()
        cdef size_t i = self.home(key)
        while self.slots[i].key != NULL and self.slots[i].key != key:
            i = (i + 1) & self.mask
        self.used += self.slots[i].key == NULL
        self.slots[i].key = key
        self.slots[i].value = value
        return 0

    cdef int grow(self) except -1:
        cdef Slot *old = self.slots
        cdef size_t size = self.mask + 1, i
        self.slots = <Slot *>PyMem_Calloc(2 * size, sizeof(Slot))
        if self.slots == NULL:
            self.slots = old
            raise MemoryError
        self.mask = 2 * size - 1
        self.used = 0
        for i in range(size):
            if old[i].key != NULL:
                self.put(old[i].key, old[i].value)
        PyMem_Free(old)
        return 0

    cdef void drop(self, void *key) noexcept:
        cdef size_t i = self.home(key), j, home
        while self.slots[i].key != key:
            if self.slots[i].key == NULL:
                return
            i = (i + 1) & self.mask
        j = i
        while True:
            j = (j + 1) & self.mask
            if self.slots[j].key == NULL:
                break
            home = self.home(self.slots[j].key)
            if ((j - home) & self.mask) >= ((j - i) & self.mask):
                self.slots[i] = self.slots[j]
                i = j
        self.slots[i].key = NULL
        self.used -= 1
