#include "base/interrupt.h"

#include <stdatomic.h>

static atomic_int requested;

void interrupt_set(int signal_number)
{
    atomic_store(&requested, signal_number);
}

int interrupt_signal(void)
{
    return atomic_load(&requested);
}

bool interrupt_check(Err *err)
{
    int signal_number = interrupt_signal();
    return signal_number == 0 || err_set(err, ERR_INTERRUPTED, "interrupted by signal %d", signal_number);
}
