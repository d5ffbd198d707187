#include "flow/signals.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/interrupt.h"
#include "base/log.h"

static void *wait_for_signals(void *arg)
{
    sigset_t *set = arg;
    for (int number; sigwait(set, &number) == 0;) {
        if (interrupt_signal() != 0)
            _exit(128 + number);
        interrupt_set(number);
        log_line(LOG_WARN, "signal %d: ending after the batch in hand; again to end at once", number);
    }
    return NULL;
}

bool signals_start(Err *err)
{
    static sigset_t set;
    pthread_t thread;
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    if (sigaction(SIGPIPE, &ignore, NULL) != 0 || sigaction(SIGXFSZ, &ignore, NULL) != 0)
        return err_set(err, ERR_STOP, "cannot set up signals");
    int failed = pthread_sigmask(SIG_BLOCK, &set, NULL);
    if (failed == 0)
        failed = pthread_create(&thread, NULL, wait_for_signals, &set);
    if (failed != 0)
        return err_set_errno(err, ERR_STOP, failed, "cannot start the signal thread");
    pthread_detach(thread);
    return true;
}
