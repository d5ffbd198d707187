#include "flow/signals.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/interrupt.h"
#include "base/log.h"
#include "flow/progress.h"

static void *wait_for_signals(void *arg)
{
    sigset_t *set = arg;
    for (int number; sigwait(set, &number) == 0;) {
        if (number == SIGUSR1) {
            progress_print();
            continue;
        }
        if (interrupt_signal() != 0)
            _exit(128 + number);
        interrupt_set(number);
        log_line(LOG_WARN, "signal %d: ending after the current batch; again to end at once", number);
    }
    return NULL;
}

/* Those that ask to end. What the parent set to be ignored (nohup, `trap '' INT`) stays ignored. */
static bool choose_signals(sigset_t *set)
{
    static const int asking[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction old;
    sigemptyset(set);
    sigaddset(set, SIGUSR1); /* asks how far the work is */
    for (size_t i = 0; i < sizeof asking / sizeof *asking; i++) {
        if (sigaction(asking[i], NULL, &old) != 0)
            return false;
        if ((old.sa_flags & SA_SIGINFO) != 0 || old.sa_handler != SIG_IGN)
            sigaddset(set, asking[i]);
    }
    return true;
}

bool signals_start(Err *err)
{
    static sigset_t set;
    pthread_t thread;
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    if (!choose_signals(&set) || sigaction(SIGPIPE, &ignore, NULL) != 0 || sigaction(SIGXFSZ, &ignore, NULL) != 0 ||
        sigaction(SIGIO, &ignore, NULL) != 0) /* of a lease that somebody breaks */
        return err_set(err, ERR_STOP, "cannot set up signals");
    int failed = pthread_sigmask(SIG_BLOCK, &set, NULL);
    if (failed == 0)
        failed = pthread_create(&thread, NULL, wait_for_signals, &set);
    if (failed != 0)
        return err_set_errno(err, ERR_STOP, failed, "cannot start the signal thread");
    pthread_detach(thread);
    return true;
}
