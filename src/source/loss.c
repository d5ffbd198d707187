#define _GNU_SOURCE
#include "source/loss.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/interrupt.h"
#include "base/text.h"
#include "listing.h"

#define NAMES_BYTES 65536 /* of the extended attributes of one file: the kernel's limit */
#define WHAT_BYTES 96

typedef enum LossKind { LOSS_MODE, LOSS_ATTRIBUTE, LOSS_OWNER, LOSS_KINDS } LossKind;

/* The first member that has a loss of this kind, and how many do. */
typedef struct Loss {
    char what[WHAT_BYTES], member[256];
    size_t count;
} Loss;

typedef struct Losses {
    Loss kinds[LOSS_KINDS];
    char *names; /* NAMES_BYTES */
} Losses;

static void note(Losses *losses, LossKind kind, const char *member, const char *what)
{
    Loss *loss = &losses->kinds[kind];
    if (loss->count++ > 0)
        return;
    text_copy(loss->what, sizeof loss->what, what);
    text_copy(loss->member, sizeof loss->member, member);
}

/* Labels of the system are set anew by it, wherever a file is made. */
static bool is_of_the_system(const char *name)
{
    return strcmp(name, "security.selinux") == 0 || strcmp(name, "security.SMACK64") == 0 ||
           text_starts_with(name, "system.nfs4_acl");
}

static void note_attributes(Losses *losses, int fd, const char *member)
{
    char what[WHAT_BYTES];
    ssize_t len = flistxattr(fd, losses->names, NAMES_BYTES);
    for (ssize_t at = 0; at < len; at += (ssize_t)strlen(losses->names + at) + 1) {
        const char *name = losses->names + at;
        if (is_of_the_system(name))
            continue;
        snprintf(what, sizeof what, "%s%.60s", text_starts_with(name, "system.posix_acl") ? "" : "extended attribute ",
                 text_starts_with(name, "system.posix_acl") ? "access control list" : name);
        note(losses, LOSS_ATTRIBUTE, member, what);
        return;
    }
}

/* inside: a member of a directory, whose executable bit comes back. */
static void look_at(Losses *losses, int fd, const char *member, bool inside)
{
    char what[WHAT_BYTES];
    struct stat st;
    if (fstat(fd, &st) != 0)
        return;
    mode_t mode = st.st_mode & 07777;
    mode_t back = S_ISDIR(st.st_mode) || (inside && (mode & S_IXUSR) != 0) ? 0755 : 0644;
    if (mode != back) {
        snprintf(what, sizeof what, "mode %04o", (unsigned)mode);
        note(losses, LOSS_MODE, member, what);
    }
    if (st.st_uid != geteuid() || st.st_gid != getegid()) {
        snprintf(what, sizeof what, "owner %u:%u", (unsigned)st.st_uid, (unsigned)st.st_gid);
        note(losses, LOSS_OWNER, member, what);
    }
    note_attributes(losses, fd, member);
}

static void look_into(Losses *losses, int root, const char *path, int dir)
{
    TreeList list = {0};
    bool listed = listing_read(root, path, dir, NULL, TREE_INTERRUPTIBLE, &list, NULL);
    for (size_t i = 0; listed && i < list.count && interrupt_signal() == 0; i++) {
        int fd = list.items[i].is_junk ? -1 : fs_open_beneath(dir, list.items[i].path, O_RDONLY, false);
        if (fd < 0)
            continue;
        look_at(losses, fd, list.items[i].path, true);
        close(fd);
    }
    tree_list_free(&list);
}

static bool add(const Loss *loss, Buf *out, Err *err)
{
    if (loss->count == 0)
        return true;
    bool ok = (out->len == 0 || buf_text(out, ", ", err)) && buf_text(out, loss->what, err);
    if (loss->member[0] != '\0')
        ok = ok && buf_format(out, err, " of %s", loss->member);
    if (loss->count > 1)
        ok = ok && buf_format(out, err, " and %zu more", loss->count - 1);
    return ok;
}

bool loss_describe(int root, const Model *model, Buf *out, Err *err)
{
    Losses losses = {.names = malloc(NAMES_BYTES)};
    bool directory = model->kind == MODEL_DIRECTORY, ok = true;
    if (losses.names == NULL)
        return err_no_memory(err);
    int fd = fs_open_beneath(root, model->path, O_RDONLY | (directory ? O_DIRECTORY : 0), false);
    if (fd >= 0) {
        look_at(&losses, fd, "", false);
        if (directory)
            look_into(&losses, root, model->path, fd);
        close(fd);
    }
    for (size_t i = 0; ok && i < LOSS_KINDS; i++)
        ok = add(&losses.kinds[i], out, err);
    free(losses.names);
    return ok;
}
