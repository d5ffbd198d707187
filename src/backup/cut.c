/* A file is cut in place when only its end goes, else a new one takes its name. */
#include "cut.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format.h"
#include "scan.h"
#include "base/fs.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/strmap.h"
#include "base/text.h"

#define COPY_BYTES ((size_t)1024 * 1024)
#define ASK_ROWS 1000 /* in one question */

/* A model whose payload is in a chunks file. */
typedef struct Chunked {
    uint32_t pieces; /* 0 .. pieces - 1 are there and good */
    uint64_t bytes;  /* in them */
    bool broken;     /* others are there as well */
    bool kept;       /* its row is */
} Chunked;

struct BackupCut {
    const char *folder;
    char run_id[37];
    BackupAskFn ask;
    void *ctx;
    BackupDecoder *decoder;
    StrMap chunked; /* "name\nversion" to an index of `models` */
    Chunked *models;
    uint32_t model_count, model_cap;
    Arena keys;
    Buf key;
    uint64_t missing, taken;
};

typedef struct Range {
    uint64_t start, end;
} Range;

/* A row that waits for the store's answer. */
typedef struct Waiting {
    Range range;
    uint32_t model; /* of BackupCut.models, STRMAP_NONE: not chunked, or no piece of it is there */
    bool whole;     /* payload and all */
} Waiting;

/* One file in hand. */
typedef struct Cutting {
    BackupCut *cut;
    ScanResult scan;
    uint64_t header_bytes;
    Range *ranges; /* the header, then the rows to keep; neighbours are one */
    size_t count;
    uint64_t rows, damaged;
    BackupQuestion *questions; /* ASK_ROWS, as many as `waiting` */
    Waiting *waiting;
    size_t asked;
    Arena names; /* of the questions */
} Cutting;

BackupCut *backup_cut_new(const char *folder, const char *run_id, BackupAskFn ask, void *ctx, Err *err)
{
    BackupCut *cut = calloc(1, sizeof *cut);
    if (cut == NULL) {
        err_no_memory(err);
        return NULL;
    }
    *cut = (BackupCut){.folder = folder, .ask = ask, .ctx = ctx};
    text_copy(cut->run_id, sizeof cut->run_id, run_id);
    cut->decoder = backup_decoder_new(err);
    if (cut->decoder == NULL) {
        backup_cut_free(cut);
        return NULL;
    }
    return cut;
}

void backup_cut_free(BackupCut *cut)
{
    if (cut == NULL)
        return;
    backup_decoder_free(cut->decoder);
    strmap_free(&cut->chunked);
    arena_free(&cut->keys);
    buf_free(&cut->key);
    free(cut->models);
    free(cut);
}

uint64_t backup_cut_missing(const BackupCut *cut, uint64_t *taken)
{
    *taken = cut->taken;
    return cut->missing;
}

/* The row is as it was written by this run, payload and all. Rows of chunks name no run. */
static bool prove_row(BackupCut *cut, const ScannedRow *row, bool *proven, Err *err)
{
    *proven = row->fault == NULL && (row->row.run_id == NULL || strcmp(row->row.run_id, cut->run_id) == 0);
    return !*proven || !row->has_payload || backup_decode(cut->decoder, row->fd, row->path, &row->payload, NULL, NULL, proven, err);
}

/* --- models in chunks -------------------------------------------------------------------------------------------------------- */

static bool find_chunked(BackupCut *cut, const ScannedRow *row, uint32_t *index, Err *err)
{
    buf_clear(&cut->key);
    if (!buf_format(&cut->key, err, "%s\n%d", row->name, (int)row->version))
        return false;
    *index = strmap_get(&cut->chunked, cut->key.data);
    return true;
}

static bool find_or_add_chunked(BackupCut *cut, const ScannedRow *row, uint32_t *index, Err *err)
{
    if (!find_chunked(cut, row, index, err))
        return false;
    if (*index != STRMAP_NONE)
        return true;
    if (cut->model_count == cut->model_cap) {
        uint32_t cap = cut->model_cap + cut->model_cap / 2 + 64;
        Chunked *grown = realloc(cut->models, cap * sizeof *grown);
        if (grown == NULL)
            return err_no_memory(err);
        cut->models = grown;
        cut->model_cap = cap;
    }
    const char *key = arena_copy(&cut->keys, cut->key.data, cut->key.len, err);
    if (key == NULL || !strmap_add(&cut->chunked, key, cut->model_count, NULL, err))
        return false;
    *index = cut->model_count++;
    cut->models[*index] = (Chunked){0};
    return true;
}

/* A run writes the pieces of a model one behind the other. */
static bool weigh_piece(void *ctx, const ScannedRow *row, Err *err)
{
    BackupCut *cut = ctx;
    uint32_t index;
    bool proven;
    if (!interrupt_check(err) || !prove_row(cut, row, &proven, err))
        return false;
    if (!proven)
        return true;
    if (!find_or_add_chunked(cut, row, &index, err))
        return false;
    Chunked *model = &cut->models[index];
    model->broken = model->broken || row->seq != model->pieces;
    model->pieces++;
    model->bytes += row->payload.bytes;
    return true;
}

bool backup_cut_weigh(BackupCut *cut, const char *name, Err *err)
{
    ScanResult scan = {0};
    char *path = fs_join(cut->folder, name);
    if (path == NULL)
        return err_no_memory(err);
    int fd = backup_open_existing(path, O_RDONLY, err);
    bool ok = fd >= 0 && backup_scan(fd, path, true, weigh_piece, cut, &scan, err);
    if (fd >= 0)
        close(fd);
    free(path);
    return ok;
}

/* --- what to keep ------------------------------------------------------------------------------------------------------------ */

static bool add_range(Cutting *cutting, Range range, Err *err)
{
    if (cutting->count > 0 && cutting->ranges[cutting->count - 1].end == range.start) {
        cutting->ranges[cutting->count - 1].end = range.end;
        return true;
    }
    if ((cutting->count & (cutting->count - 1)) == 0) {
        Range *grown = realloc(cutting->ranges, (cutting->count == 0 ? 1 : 2 * cutting->count) * sizeof *grown);
        if (grown == NULL)
            return err_no_memory(err);
        cutting->ranges = grown;
    }
    cutting->ranges[cutting->count++] = range;
    return true;
}

static bool keep(Cutting *cutting, Range range, Err *err)
{
    cutting->rows++;
    return (cutting->count > 0 || add_range(cutting, (Range){0, cutting->header_bytes}, err)) && add_range(cutting, range, err);
}

static bool settle(Cutting *cutting, const Waiting *waiting, BackupVerdict verdict, Err *err)
{
    BackupCut *cut = cutting->cut;
    if (verdict == BACKUP_ELSEWHERE)
        return true;
    if (verdict != BACKUP_STORED && !waiting->whole) { /* its pieces were never all written: nothing can bring it back */
        cutting->damaged++;
        return true;
    }
    cut->missing += verdict != BACKUP_STORED;
    cut->taken += verdict == BACKUP_TAKEN;
    if (waiting->model != STRMAP_NONE)
        cut->models[waiting->model].kept = true;
    return keep(cutting, waiting->range, err);
}

static bool ask(Cutting *cutting, Err *err)
{
    BackupCut *cut = cutting->cut;
    bool ok = cutting->asked == 0 || cut->ask(cut->ctx, cut->run_id, cutting->questions, cutting->asked, err);
    for (size_t i = 0; ok && i < cutting->asked; i++)
        ok = settle(cutting, &cutting->waiting[i], cutting->questions[i].verdict, err);
    cutting->asked = 0;
    arena_free(&cutting->names);
    return ok;
}

static bool wait_for_answer(Cutting *cutting, const ScannedRow *row, Err *err)
{
    BackupCut *cut = cutting->cut;
    Waiting waiting = {.range = {row->start, row->end}, .model = STRMAP_NONE, .whole = true};
    bool in_chunks = row->row.chunk_count > 0 && cutting->scan.mode == BACKUP_FULL;
    if (in_chunks && !find_chunked(cut, row, &waiting.model, err))
        return false;
    if (in_chunks) {
        Chunked model = waiting.model != STRMAP_NONE ? cut->models[waiting.model] : (Chunked){.broken = true};
        waiting.whole = !model.broken && model.pieces == row->row.chunk_count && model.bytes == row->row.stored_bytes;
    }
    const char *name = arena_copy(&cutting->names, row->name, strlen(row->name), err);
    if (name == NULL)
        return false;
    cutting->questions[cutting->asked] = (BackupQuestion){.name = name, .version = row->version, .content = row->row.content};
    cutting->waiting[cutting->asked++] = waiting;
    return cutting->asked < ASK_ROWS || ask(cutting, err);
}

static bool judge_row(void *ctx, const ScannedRow *row, Err *err)
{
    Cutting *cutting = ctx;
    bool proven;
    cutting->header_bytes = row->header_bytes;
    if (!interrupt_check(err) || !prove_row(cutting->cut, row, &proven, err))
        return false;
    cutting->damaged += !proven;
    return !proven || wait_for_answer(cutting, row, err);
}

static bool judge_piece(void *ctx, const ScannedRow *row, Err *err)
{
    Cutting *cutting = ctx;
    BackupCut *cut = cutting->cut;
    uint32_t model = STRMAP_NONE;
    bool proven;
    cutting->header_bytes = row->header_bytes;
    if (!interrupt_check(err) || !prove_row(cut, row, &proven, err) || (proven && !find_chunked(cut, row, &model, err)))
        return false;
    cutting->damaged += !proven;
    return model == STRMAP_NONE || !cut->models[model].kept || keep(cutting, (Range){row->start, row->end}, err);
}

/* --- cutting ----------------------------------------------------------------------------------------------------------------- */

static bool copy_range(int from, int to, Range range, char *buffer, const char *path, Err *err)
{
    while (range.start < range.end) {
        uint64_t left = range.end - range.start;
        ssize_t got = fs_read_at(from, buffer, left < COPY_BYTES ? (size_t)left : COPY_BYTES, range.start);
        if (got <= 0)
            return err_set_errno(err, ERR_STOP, got < 0 ? errno : EIO, "cannot read %s", path);
        if (!fs_write(to, buffer, (size_t)got))
            return err_set_errno(err, ERR_STOP, errno, "cannot write %s.tmp", path);
        range.start += (uint64_t)got;
    }
    return true;
}

/* A new file of the kept ranges takes the name. *fd becomes the new one's. */
static bool rewrite_file(int *fd, const char *path, const Cutting *cutting, Err *err)
{
    Buf temp = {0};
    char *buffer = malloc(COPY_BYTES);
    int new_fd = -1;
    bool ok = false;
    if (buffer == NULL) {
        err_no_memory(err);
        goto out;
    }
    if (!buf_format(&temp, err, "%s.tmp", path))
        goto out;
    unlink(temp.data);
    new_fd = fs_open_private_file(temp.data, O_EXCL, err);
    if (new_fd < 0)
        goto out;
    for (size_t i = 0; i < cutting->count; i++)
        if (!copy_range(*fd, new_fd, cutting->ranges[i], buffer, path, err))
            goto out;
    if (fsync(new_fd) != 0 || rename(temp.data, path) != 0) {
        err_set_errno(err, ERR_STOP, errno, "cannot write %s", path);
        goto out;
    }
    close(*fd);
    *fd = new_fd;
    new_fd = -1;
    ok = true;
out:
    if (new_fd >= 0) {
        close(new_fd);
        unlink(temp.data);
    }
    free(buffer);
    buf_free(&temp);
    return ok;
}

static bool apply(int *fd, const char *path, const Cutting *cutting, Err *err)
{
    if (cutting->rows == 0)
        return unlink(path) == 0 || err_set_errno(err, ERR_STOP, errno, "cannot remove %s", path);
    if (cutting->count > 1 || cutting->ranges[0].start != 0)
        return rewrite_file(fd, path, cutting, err);
    if (cutting->ranges[0].end < cutting->scan.bytes && ftruncate(*fd, (off_t)cutting->ranges[0].end) != 0)
        return err_set_errno(err, ERR_STOP, errno, "cannot cut %s", path);
    /* Also when nothing was cut: the run may have been killed between its write and its sync. */
    return fsync(*fd) == 0 || err_set_errno(err, ERR_STOP, errno, "fsync of %s", path);
}

static bool judge_file(Cutting *cutting, int fd, const char *path, bool chunks, Err *err)
{
    cutting->questions = calloc(ASK_ROWS, sizeof *cutting->questions);
    cutting->waiting = calloc(ASK_ROWS, sizeof *cutting->waiting);
    if (cutting->questions == NULL || cutting->waiting == NULL)
        return err_no_memory(err);
    return backup_scan(fd, path, chunks, chunks ? judge_piece : judge_row, cutting, &cutting->scan, err) && ask(cutting, err);
}

static bool add_to_manifest(BackupManifest *manifest, const char *name, int fd, const char *path, Err *err)
{
    BackupFileInfo info = {0};
    text_copy(info.name, sizeof info.name, name);
    return backup_measure_file(fd, path, &info, err) && backup_manifest_add(manifest, &info, err);
}

bool backup_cut_file(BackupCut *cut, const char *name, BackupManifest *manifest, bool *understood, Err *err)
{
    Cutting cutting = {.cut = cut};
    bool ok = false, chunks;
    char *path = fs_join(cut->folder, name);
    if (path == NULL)
        return err_no_memory(err);
    int fd = backup_open_existing(path, O_RDWR, err);
    backup_is_file_name(name, &chunks);
    if (fd < 0 || !judge_file(&cutting, fd, path, chunks, err))
        goto out;
    *understood = cutting.scan.header != BACKUP_HEADER_UNKNOWN;
    if (*understood && cutting.damaged > 0)
        log_line(LOG_WARN, "%s: %" PRIu64 " damaged rows are cut off", path, cutting.damaged);
    ok = !*understood || apply(&fd, path, &cutting, err);
    if (!ok || !*understood || cutting.rows == 0)
        goto out;
    if (!chunks)
        manifest->mode = cutting.scan.mode;
    ok = add_to_manifest(manifest, name, fd, path, err);
out:
    if (fd >= 0)
        close(fd);
    free(cutting.ranges);
    free(cutting.questions);
    free(cutting.waiting);
    arena_free(&cutting.names);
    free(path);
    return ok;
}
