/* The frames below another one, as stacks show them. */

#include <Python.h>

/* Where a code object's instructions begin, and the offset of the first one that a frame runs which others can see. */
#define tracefunc_bytecode(code) ((size_t)((PyCodeObject *)(code))->co_code_adaptive)
#define tracefunc_first_traceable(code) (2 * ((PyCodeObject *)(code))->_co_firsttraceable)
#define tracefunc_code_name(code) (((PyCodeObject *)(code))->co_qualname)
#define tracefunc_code_file(code) (((PyCodeObject *)(code))->co_filename)
#define tracefunc_code_lines(code) (((PyCodeObject *)(code))->co_linetable)
#define tracefunc_code_first(code) (((PyCodeObject *)(code))->co_firstlineno)
