#include "state/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file_lock.h"
#include "base/fs.h"
#include "base/host.h"
#include "base/log.h"
#include "base/text.h"

#define NOTE_MAX 512
#define REOPEN_TRIES 10

typedef struct Note {
    char text[NOTE_MAX + 1];
    const char *pid, *host, *run_id, *since; /* in text */
} Note;

/* `pid host run-id since`, the first line of the file. False unless all four are there: it is another program's text, or the holder
 * is just about to write. */
static bool read_note(int fd, Note *out)
{
    const char **fields[] = {&out->pid, &out->host, &out->run_id, &out->since};
    ssize_t got = fs_read_at(fd, out->text, NOTE_MAX, 0);
    char *newline = got > 0 ? memchr(out->text, '\n', (size_t)got) : NULL;
    if (newline == NULL)
        return false;
    *newline = '\0';
    char *at = out->text;
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        char *space = strchr(at, ' ');
        if (at[0] == '\0' || space == at || (space == NULL) != (i + 1 == sizeof fields / sizeof *fields))
            return false;
        *fields[i] = at;
        if (space != NULL) {
            *space = '\0';
            at = space + 1;
        }
    }
    return strspn(out->pid, "0123456789") == strlen(out->pid);
}

static bool refuse(int fd, Err *err)
{
    Note note;
    if (read_note(fd, &note))
        err_set(err, ERR_LOCKED, "another run holds the lock: pid %s on %s since %s (run %s)", note.pid, note.host, note.since,
                note.run_id);
    else
        err_set(err, ERR_LOCKED, "another run holds the lock");
    return err_hint(err, "wait until it has ended, then run the same command again");
}

/* The note is for people: a full disk must not stop a run that has nothing to write. */
static void write_note(int fd, const char *path, const char *run_id)
{
    char host[65], encoded[3 * sizeof host + 1], since[25], text[NOTE_MAX];
    host_name(host, sizeof host);
    text_percent_encode(encoded, host, strlen(host));
    clock_iso(since, clock_real_ns());
    int len = snprintf(text, sizeof text, "%ld %.120s %.40s %s\n", (long)getpid(), encoded, run_id, since);
    if (ftruncate(fd, 0) != 0 || lseek(fd, 0, SEEK_SET) != 0 || !fs_write(fd, text, (size_t)len))
        log_line(LOG_INFO, "cannot write to %s: %s", path, strerror(errno));
}

static bool try_lock(int fd, const char *path, Err *err)
{
    if (file_lock_try(fd))
        return true;
    if (errno == EWOULDBLOCK)
        return refuse(fd, err);
    err_set_errno(err, ERR_STOP, errno, "cannot lock %s", path);
    return err_remedy(err, REMEDY_STATE_DIR);
}

bool lock_take(const char *path, const char *run_id, RunLock *out, Err *err)
{
    out->fd = -1;
    for (int i = 0; i < REOPEN_TRIES; i++) {
        int fd = fs_open_private_file(path, 0, err);
        if (fd < 0)
            return false;
        if (!try_lock(fd, path, err)) {
            close(fd);
            return false;
        }
        if (file_lock_is_named(fd, path)) {
            write_note(fd, path, run_id);
            out->fd = fd;
            return true;
        }
        close(fd);
    }
    return err_set(err, ERR_STOP, "%s: another program keeps replacing this file", path);
}

void lock_release(RunLock *lock)
{
    if (lock == NULL || lock->fd < 0)
        return;
    /* The next one must not read our name while it locks; the file itself stays, or two runs could lock two files. */
    if (ftruncate(lock->fd, 0) != 0)
        log_line(LOG_DEBUG, "cannot empty the lock file: %s", strerror(errno));
    close(lock->fd);
    lock->fd = -1;
}
