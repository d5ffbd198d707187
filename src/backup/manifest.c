#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format.h"
#include "base/atomic_file.h"
#include "base/fs.h"
#include "base/interrupt.h"
#include "base/program.h"
#include "base/text.h"
#include "base/vec.h"

#define FORMAT_NAME PROGRAM_NAME " backup "
#define FORMAT_LINE FORMAT_NAME "1"
#define KILLED_LINE "ended no" /* only of a run that was killed */
#define LAST_LINE "manifest sha256 "
#define LAST_LINE_LEN (sizeof LAST_LINE - 1 + 2 * DIGEST_BYTES + 1)
#define MANIFEST_MAX ((uint64_t)16 * 1024 * 1024)
#define HASH_PIECE_BYTES ((size_t)256 * 1024)

static const char *const mode_names[] = {[BACKUP_FULL] = "full", [BACKUP_META] = "meta"};

bool backup_is_file_name(const char *name, bool *chunks)
{
    bool is_chunks = text_starts_with(name, "chunks-");
    const char *digits = name + (is_chunks ? 7 : 5);
    if (!is_chunks && !text_starts_with(name, "part-"))
        return false;
    size_t len = strspn(digits, "0123456789");
    *chunks = is_chunks;
    return len >= 1 && len <= 10 && strcmp(digits + len, ".csv") == 0;
}

bool backup_is_run_id(const char *name)
{
    for (size_t i = 0; i < 36; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (name[i] == '\0' || strchr(dash ? "-" : "0123456789abcdef", name[i]) == NULL)
            return false;
    }
    return name[36] == '\0';
}

int backup_open_existing(const char *path, int flags, Err *err)
{
    struct stat st;
    int fd = open(path, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        err_set_errno(err, ERR_STOP, errno, "%s", path);
    } else if (fstat(fd, &st) != 0) {
        err_set_errno(err, ERR_STOP, errno, "%s", path);
        close(fd);
    } else if (!S_ISREG(st.st_mode)) {
        err_set(err, ERR_STOP, "%s: not a regular file", path);
        close(fd);
    } else {
        return fd;
    }
    return -1;
}

static uint64_t count_newlines(const char *data, size_t len)
{
    uint64_t count = 0;
    for (const char *at = data, *end = data + len; (at = memchr(at, '\n', (size_t)(end - at))) != NULL; at++)
        count++;
    return count;
}

bool backup_measure_file(int fd, const char *path, BackupFileInfo *out, Err *err)
{
    Sha256 *sha = sha256_new(err);
    char *piece = malloc(HASH_PIECE_BYTES);
    uint64_t offset = 0, lines = 0;
    bool ok = false;
    if (sha == NULL)
        goto out;
    if (piece == NULL) {
        err_no_memory(err);
        goto out;
    }
    for (;;) {
        if (!interrupt_check(err))
            goto out;
        ssize_t got = fs_read_at(fd, piece, HASH_PIECE_BYTES, offset);
        if (got < 0) {
            err_set_errno(err, ERR_STOP, errno, "%s", path);
            goto out;
        }
        if (got == 0)
            break;
        if (!sha256_add(sha, piece, (size_t)got, err))
            goto out;
        offset += (uint64_t)got;
        lines += count_newlines(piece, (size_t)got);
    }
    out->bytes = offset;
    out->rows = lines > 0 ? lines - 1 : 0; /* the header is none */
    ok = sha256_end(sha, &out->sha256, err);
out:
    free(piece);
    sha256_free(sha);
    return ok;
}

bool backup_manifest_add(BackupManifest *manifest, const BackupFileInfo *file, Err *err)
{
    if (!vec_grow(&manifest->files, &manifest->cap, manifest->count, 1, sizeof *manifest->files, err))
        return false;
    manifest->files[manifest->count++] = *file;
    return true;
}

void backup_manifest_free(BackupManifest *manifest)
{
    if (manifest == NULL)
        return;
    free(manifest->files);
    *manifest = (BackupManifest){0};
}

bool backup_manifest_write(const char *folder, const BackupManifest *manifest, Err *err)
{
    char *path = fs_join(folder, BACKUP_MANIFEST_NAME);
    char hex[2 * DIGEST_BYTES + 1];
    Digest digest;
    Buf text = {0};
    bool ok = false;
    if (path == NULL) {
        err_no_memory(err);
        goto out;
    }
    if (!buf_format(&text, err, FORMAT_LINE "\nrun %s\nmode %s\n%s", manifest->run_id, mode_names[manifest->mode],
                    manifest->killed ? KILLED_LINE "\n" : ""))
        goto out;
    for (size_t i = 0; i < manifest->count; i++) {
        const BackupFileInfo *file = &manifest->files[i];
        digest_hex(&file->sha256, hex);
        if (!buf_format(&text, err, "%s  %" PRIu64 "  %" PRIu64 "  %s\n", hex, file->bytes, file->rows, file->name))
            goto out;
    }
    if (!sha256_once(text.data, text.len, &digest, err))
        goto out;
    digest_hex(&digest, hex);
    ok = buf_format(&text, err, LAST_LINE "%s\n", hex) && atomic_file_put(path, 0600, text.data, text.len, err);
out:
    buf_free(&text);
    free(path);
    return ok;
}

/* --- reading ----------------------------------------------------------------------------------------------------------------- */

static bool torn(const char *path, Err *err)
{
    err_set(err, ERR_STOP, "%s: torn or edited: its last line is not the SHA-256 of the lines above", path);
    return err_hint(err, "do not restore from this folder before someone has looked at it");
}

/* The text is whole and of a version that we know; *end gets the length without the last line. */
static bool check_whole(const char *path, const Buf *text, size_t *end, Err *err)
{
    Digest said, is;
    char hex[2 * DIGEST_BYTES + 1] = "";
    if (text->len < sizeof FORMAT_LINE || memcmp(text->data, FORMAT_LINE "\n", sizeof FORMAT_LINE) != 0) {
        if (text->len < sizeof FORMAT_LINE || memcmp(text->data, FORMAT_NAME, sizeof FORMAT_NAME - 1) != 0)
            return err_set(err, ERR_STOP, "%s: not the MANIFEST of a backup, or its first line is torn or edited", path);
        return err_set(err, ERR_STOP, "%s: the backup is of another version of the program", path);
    }
    if (text->len < sizeof FORMAT_LINE + LAST_LINE_LEN || memchr(text->data, '\0', text->len) != NULL)
        return torn(path, err);
    *end = text->len - LAST_LINE_LEN;
    const char *last = text->data + *end;
    memcpy(hex, last + sizeof LAST_LINE - 1, sizeof hex - 1);
    if (memcmp(last, LAST_LINE, sizeof LAST_LINE - 1) != 0 || text->data[text->len - 1] != '\n' || last[-1] != '\n' ||
        !digest_parse(hex, &said))
        return torn(path, err);
    return sha256_once(text->data, *end, &is, err) && (digest_equal(&said, &is) || torn(path, err));
}

static bool parse_number(const char *text, size_t len, uint64_t *out)
{
    char copy[20];
    int64_t value;
    if (len >= sizeof copy)
        return false;
    memcpy(copy, text, len);
    copy[len] = '\0';
    if (!text_parse_int(copy, 0, INT64_MAX, &value))
        return false;
    *out = (uint64_t)value;
    return true;
}

/* `sha256  bytes  rows  name`, the line without its newline. */
static bool parse_file_line(const char *line, BackupFileInfo *out)
{
    char hex[2 * DIGEST_BYTES + 1] = "";
    const char *fields[4] = {line};
    bool chunks;
    for (size_t i = 1; i < 4; i++) {
        const char *gap = strstr(fields[i - 1], "  ");
        if (gap == NULL)
            return false;
        fields[i] = gap + 2;
    }
    if (fields[1] - fields[0] != (ptrdiff_t)sizeof hex - 1 + 2)
        return false;
    memcpy(hex, line, sizeof hex - 1);
    return digest_parse(hex, &out->sha256) && parse_number(fields[1], (size_t)(fields[2] - fields[1]) - 2, &out->bytes) &&
           parse_number(fields[2], (size_t)(fields[3] - fields[2]) - 2, &out->rows) && backup_is_file_name(fields[3], &chunks) &&
           text_copy(out->name, sizeof out->name, fields[3]);
}

static bool parse_head_line(const char *line, BackupManifest *out)
{
    if (text_starts_with(line, "run ") && backup_is_run_id(line + 4))
        return text_copy(out->run_id, sizeof out->run_id, line + 4);
    if (!text_starts_with(line, "mode "))
        return false;
    out->mode = strcmp(line + 5, mode_names[BACKUP_META]) == 0 ? BACKUP_META : BACKUP_FULL;
    return strcmp(line + 5, mode_names[out->mode]) == 0;
}

/* The lines between the first and the last; text is changed. */
static bool parse_lines(const char *path, char *text, size_t end, BackupManifest *out, Err *err)
{
    char *at = text + sizeof FORMAT_LINE;
    for (uint64_t number = 2; at < text + end; number++) {
        BackupFileInfo file = {0};
        char *newline = memchr(at, '\n', (size_t)(text + end - at));
        if (newline == NULL)
            return torn(path, err);
        *newline = '\0';
        bool killed = number == 4 && strcmp(at, KILLED_LINE) == 0;
        bool is_head = number <= 3 || killed;
        out->killed = out->killed || killed;
        if (!killed && !(is_head ? parse_head_line(at, out) : parse_file_line(at, &file)))
            return err_set(err, ERR_STOP, "%s: line %" PRIu64 " is not understood", path, number);
        if (!is_head && !backup_manifest_add(out, &file, err))
            return false;
        at = newline + 1;
    }
    return out->run_id[0] != '\0' || err_set(err, ERR_STOP, "%s: no run is named", path);
}

bool backup_manifest_read(const char *folder, BackupManifest *out, Err *err)
{
    char *path = fs_join(folder, BACKUP_MANIFEST_NAME);
    BackupManifest manifest = {.mode = BACKUP_NONE};
    Buf text = {0};
    size_t end = 0;
    bool ok = false;
    if (path == NULL)
        return err_no_memory(err);
    if (!fs_read_file(path, MANIFEST_MAX, &text, err)) {
        if (err != NULL && err->errnum == ENOENT)
            err_hint(err, "its run has not ended; if it was killed, the next run with this state directory finishes it");
        goto out;
    }
    if (!check_whole(path, &text, &end, err) || !parse_lines(path, text.data, end, &manifest, err))
        goto out;
    if (manifest.mode == BACKUP_NONE) {
        err_set(err, ERR_STOP, "%s: no mode is named", path);
        goto out;
    }
    *out = manifest;
    manifest = (BackupManifest){0};
    ok = true;
out:
    backup_manifest_free(&manifest);
    buf_free(&text);
    free(path);
    return ok;
}

/* --- verifying --------------------------------------------------------------------------------------------------------------- */

static bool verify_file(const char *folder, const BackupFileInfo *file, Err *err)
{
    char *path = fs_join(folder, file->name);
    BackupFileInfo found = {0};
    bool ok = false;
    if (path == NULL)
        return err_no_memory(err);
    int fd = backup_open_existing(path, O_RDONLY, err);
    if (fd < 0 || !backup_measure_file(fd, path, &found, err))
        goto out;
    if (found.bytes != file->bytes)
        err_set(err, ERR_STOP, "%s: has %" PRIu64 " bytes, the MANIFEST says %" PRIu64, path, found.bytes, file->bytes);
    else if (!digest_equal(&found.sha256, &file->sha256))
        err_set(err, ERR_STOP, "%s: its SHA-256 is not the one in the MANIFEST: it was edited or damaged", path);
    else if (found.rows != file->rows)
        err_set(err, ERR_STOP, "%s: has %" PRIu64 " rows, the MANIFEST says %" PRIu64, path, found.rows, file->rows);
    else
        ok = true;
out:
    if (fd >= 0)
        close(fd);
    free(path);
    return ok;
}

static bool is_listed(const BackupManifest *manifest, const char *name)
{
    for (size_t i = 0; i < manifest->count; i++)
        if (strcmp(manifest->files[i].name, name) == 0)
            return true;
    return false;
}

static bool verify_no_others(const char *folder, const BackupManifest *manifest, Err *err)
{
    bool ok = true, chunks;
    DIR *dir = opendir(folder);
    if (dir == NULL)
        return err_set_errno(err, ERR_STOP, errno, "%s", folder);
    for (struct dirent *entry; ok && (errno = 0, entry = readdir(dir)) != NULL;)
        if (backup_is_file_name(entry->d_name, &chunks) && !is_listed(manifest, entry->d_name))
            ok = err_set(err, ERR_STOP, "%s/%s: the MANIFEST does not name this file", folder, entry->d_name);
    if (ok && errno != 0)
        ok = err_set_errno(err, ERR_STOP, errno, "%s", folder);
    closedir(dir);
    return ok;
}

bool backup_manifest_verify(const char *folder, const BackupManifest *manifest, Err *err)
{
    for (size_t i = 0; i < manifest->count; i++)
        if (!verify_file(folder, &manifest->files[i], err))
            return false;
    return verify_no_others(folder, manifest, err);
}
