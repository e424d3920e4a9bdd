# Part of `_fastmon.pyx`: the frames below a call that starts, and the text of its stack.
#
# The stacks of many calls have most of their frames in common. So each frame of a stack is a node that knows the one
# above it in the text, and its text is made once.

cdef extern from "Python.h":
    bint PyCode_Check(PyObject *value)
    int PyCode_Addr2Line(PyObject *code, int offset)

cdef enum:
    OUTERMOST = -1  # in place of the node above: there is none
    NOT_BELOW = -2  # the stack is empty, as the function at which stacks begin does not run there
    AT_START = -1  # in place of an offset: the first line of the code


cdef struct StackNode:
    # A frame in the text of a stack. It holds references to what its text was made from, so that another code object
    # at the same address is not taken for it.
    int above
    int offset
    int first
    PyObject *name
    PyObject *file
    PyObject *lines
    PyObject *text  # from the outermost frame to this one
    Py_ssize_t number  # of the text, or -1 where it has none yet


cdef inline int offset_of(void *frame) noexcept:
    """The offset of the instruction that a frame executes, which waits for a call to return."""
    return <int>((<size_t *>frame)[_offset_word] - bytecode(tracefunc_code_of(frame)))


cdef inline bint is_whole(void *frame) noexcept:
    """Whether a frame is one that Python code can see: no frame of C code, and none that is being made."""
    cdef PyObject *code = tracefunc_code_of(frame)
    return code != NULL and PyCode_Check(code) and code != _trampoline and offset_of(frame) >= first_traceable(code)


@cython.final
cdef class Stacks:
    """The texts of the stacks of one trace's calls."""

    cdef object stacks  # of `_record/stacks.py`, which makes the text of one frame
    cdef PyObject *anchor  # the code at which stacks begin; NULL: they are empty
    cdef object texts
    cdef StackNode *nodes
    cdef int used, room
    cdef int *slots  # a hash table: numbers of nodes, plus 1
    cdef int mask

    def __cinit__(self, stacks, texts):
        self.stacks, self.texts = stacks, texts
        self.anchor = NULL if stacks.anchor is None else <PyObject *>stacks.anchor
        self.mask = 63
        self.slots = <int *>PyMem_Calloc(self.mask + 1, sizeof(int))
        if self.slots == NULL:
            raise MemoryError

    def __dealloc__(self):
        cdef int i
        for i in range(self.used):
            Py_DECREF(self.nodes[i].name)
            Py_DECREF(self.nodes[i].file)
            Py_DECREF(self.nodes[i].lines)
            Py_DECREF(self.nodes[i].text)
        PyMem_Free(self.nodes)
        PyMem_Free(self.slots)

    cdef inline size_t home(self, int above, PyObject *lines, int offset) noexcept:
        cdef size_t number = (<size_t>lines >> 4) * 31 + <size_t>offset * 7 + <size_t>above * 1000003
        return (number ^ (number >> 15)) & <size_t>self.mask

    cdef int node(self, int above, PyObject *code, int offset) except -3:
        """The node of a frame that executes an offset, or starts, under another one."""
        cdef PyObject *lines = code_lines(code)
        cdef size_t i = self.home(above, lines, offset)
        cdef StackNode *node
        while self.slots[i] != 0:
            node = &self.nodes[self.slots[i] - 1]
            if (node.lines == lines and node.offset == offset and node.above == above and node.name == code_name(code)
                    and node.file == code_file(code) and node.first == code_first(code)):
                return self.slots[i] - 1
            i = (i + 1) & <size_t>self.mask
        return self.new_node(above, code, offset)

    cdef int new_node(self, int above, PyObject *code, int offset) except -3:
        cdef int line = code_first(code) if offset == AT_START else PyCode_Addr2Line(code, offset)
        cdef StackNode *nodes
        text = self.stacks.entry(<object>code, max(line, 0) or code_first(code))
        if above >= 0:
            text = (<object>self.nodes[above].text) + "\n" + text
        if self.used == self.room:
            nodes = <StackNode *>PyMem_Realloc(self.nodes, (2 * self.room + 16) * sizeof(StackNode))
            if nodes == NULL:
                raise MemoryError
            self.nodes, self.room = nodes, 2 * self.room + 16
        nodes = &self.nodes[self.used]
        nodes.above, nodes.offset, nodes.first, nodes.number = above, offset, code_first(code), -1
        nodes.name, nodes.file = Py_NewRef(code_name(code)), Py_NewRef(code_file(code))
        nodes.lines, nodes.text = Py_NewRef(code_lines(code)), Py_NewRef(<PyObject *>text)
        self.used += 1
        if 2 * self.used > self.mask:
            self.grow()
        else:
            self.note(self.used - 1)
        return self.used - 1

    cdef Py_ssize_t text_number(self, int node) except -1:
        """The number of the text of a stack that ends with a node."""
        cdef Py_ssize_t number = self.nodes[node].number
        if number < 0:
            number = self.nodes[node].number = self.texts.number(<object>self.nodes[node].text)
        return number

    cdef void note(self, int number) noexcept:
        cdef StackNode *node = &self.nodes[number]
        cdef size_t i = self.home(node.above, node.lines, node.offset)
        while self.slots[i] != 0:
            i = (i + 1) & <size_t>self.mask
        self.slots[i] = number + 1

    cdef int grow(self) except -1:
        cdef int mask = 2 * self.mask + 1, i
        cdef int *slots = <int *>PyMem_Calloc(mask + 1, sizeof(int))
        if slots == NULL:
            raise MemoryError
        PyMem_Free(self.slots)
        self.slots, self.mask = slots, mask
        for i in range(self.used):
            self.note(i)
        return 0


cdef struct Below:
    # A frame below one that starts.
    void *frame
    PyObject *code  # borrowed
    int offset


@cython.final
cdef class FramesBelow:
    """The frames below one that starts, the nearest first, without those of C code and such as are being made."""

    cdef Below *all
    cdef int used, room

    def __dealloc__(self):
        PyMem_Free(self.all)

    cdef int add(self, void *frame, PyObject *code, int offset) except -1:
        cdef Below *all
        if self.used == self.room:
            all = <Below *>PyMem_Realloc(self.all, (2 * self.room + 32) * sizeof(Below))
            if all == NULL:
                raise MemoryError
            self.all, self.room = all, 2 * self.room + 32
        self.all[self.used].frame, self.all[self.used].code, self.all[self.used].offset = frame, code, offset
        self.used += 1
        return 0
