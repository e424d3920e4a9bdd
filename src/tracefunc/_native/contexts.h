/* Contexts (of context variables), as far as it has to be known whether another one has the same values. */

#include <Python.h>

/* A context refers to an immutable table of its values, which a copy of the context shares until either of them sets a
   variable, and then gets another table. contexts_are_known() verifies that. */
typedef struct {
    PyObject_HEAD
    PyObject *before;
    PyObject *values;
} tracefunc_context;

/* The table of the context that is current, a borrowed reference; NULL if there is no context yet. */
static inline PyObject *tracefunc_context_values(void) {
    tracefunc_context *context = (tracefunc_context *)PyThreadState_GetUnchecked()->context;
    return context == NULL ? NULL : context->values;
}
/* The context that is current, to be compared only; NULL if there is none yet. */
#define tracefunc_context_here() ((void *)PyThreadState_GetUnchecked()->context)
/* What a weak reference refers to, borrowed; NULL if that is gone. With the GIL only. */
static inline PyObject *tracefunc_referent(PyObject *reference) {
    PyObject *found = ((PyWeakReference *)reference)->wr_object;
    return found == Py_None ? NULL : found;
}
