/*
 * Stands in for libaio.so.1 on a host that lacks it. MySQL's programs are linked against it, but
 * call it only with innodb_use_native_aio=1, which the test kit turns off: every call fails with
 * ENOSYS. Written for this purpose; no code of libaio.
 */
#include <errno.h>

long io_setup(void) { return -ENOSYS; }
long io_submit(void) { return -ENOSYS; }
long io_getevents(void) { return -ENOSYS; }
long io_destroy(void) { return -ENOSYS; }
