/* backup_unit.h: what the tests of the backup share. */
#ifndef BACKUP_UNIT_H
#define BACKUP_UNIT_H

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/log.h"
#include "backup/backup.h"
#include "unit.h"

#define RUN "0198c0de-0000-7000-8000-000000000001"
#define PYTHON "/usr/bin/python3"

static Err err;
static char dir[320], folder[400]; /* backup_dir and the run's folder */

/* For tests that sync a thousand times: files in memory. Call it first. */
static inline void use_memory_disk(void)
{
    if (access("/dev/shm", W_OK) == 0)
        setenv("TMPDIR", "/dev/shm", 0);
}

static inline void set_dir(const char *base)
{
    ck_assert_uint_lt(strlen(base), 300);
    snprintf(dir, sizeof dir, "%.300s/state/backups", base);
    snprintf(folder, sizeof folder, "%s/" RUN, dir);
}

static inline void setup(void)
{
    log_set_level(LOG_ERROR);
    set_dir(unit_temp_dir());
}

static inline const char *in_folder(const char *name)
{
    static char paths[4][500];
    static unsigned turn;
    char *path = paths[turn++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static inline bool exists(const char *path)
{
    return access(path, F_OK) == 0;
}

static inline void put_file(const char *path, const void *data, size_t len)
{
    unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    ck_assert_msg(fd >= 0, "%s", path);
    ck_assert(fs_write(fd, data, len));
    close(fd);
}

static inline Buf get_file(const char *path)
{
    Buf buf = {0};
    ck_ok(fs_read_file(path, 1 << 30, &buf, &err));
    return buf;
}

/* A model with a payload of `bytes` bytes that depends on the name. */
typedef struct Sample {
    Spool payload;
    StoredModel row;
} Sample;

static inline Sample *sample_new(const char *name, int32_t version, size_t bytes, size_t memory_limit)
{
    Sample *sample = calloc(1, sizeof *sample);
    unsigned char *data = malloc(bytes + 1);
    ck_assert(sample != NULL && data != NULL);
    uint32_t noise = (uint32_t)strlen(name) * 2654435761U + (uint32_t)version + (unsigned char)name[0];
    for (size_t i = 0; i < bytes; i++)
        data[i] = (unsigned char)((noise = noise * 1664525U + 1013904223U) >> 24);
    spool_init(&sample->payload, memory_limit, unit_temp_dir());
    ck_ok(spool_write(&sample->payload, data, bytes, &err));
    sample->row = (StoredModel){.name = name,
                             .version = version,
                             .model_type = "classifier_binary",
                             .event = "earnings",
                             .is_active = version % 2 == 0,
                             .raw_bytes = 3 * bytes,
                             .stored_bytes = bytes,
                             .is_gzip = true,
                             .source_host = "host-a",
                             .source_path = name,
                             .source_mtime_ns = INT64_C(1767225600123456789),
                             .run_id = RUN};
    ck_ok(sha256_once(name, strlen(name), &sample->row.content, &err));
    ck_ok(sha256_once(data, bytes, &sample->row.stored, &err));
    sample->row.has_members = version % 2 == 0;
    if (sample->row.has_members)
        ck_ok(sha256_once(&version, sizeof version, &sample->row.members, &err));
    free(data);
    return sample;
}

static inline void sample_free(Sample *sample)
{
    spool_free(&sample->payload);
    free(sample);
}

static inline Backup *open_backup(BackupMode mode)
{
    Backup *backup = NULL;
    ck_ok(backup_open(dir, RUN, mode, &backup, &err));
    return backup;
}

static inline bool add(BackupPart *part, const char *name, int32_t version, size_t bytes)
{
    Sample *sample = sample_new(name, version, bytes, SIZE_MAX);
    bool ok = backup_part_add(part, &sample->row, &sample->payload, &err);
    sample_free(sample);
    return ok;
}

/* add, sync, keep */
static inline void store(BackupPart *part, const char *name, int32_t version, size_t bytes)
{
    ck_ok(add(part, name, version, bytes));
    ck_ok(backup_part_sync(part, &err));
    backup_part_keep(part);
}

static inline bool was_killed(void)
{
    BackupManifest manifest;
    ck_ok(backup_manifest_read(folder, &manifest, &err));
    bool killed = manifest.killed;
    backup_manifest_free(&manifest);
    return killed;
}

/* The folder is whole; returns the rows of its part files. */
static inline uint64_t verified_rows(void)
{
    BackupManifest manifest;
    uint64_t rows = 0;
    ck_ok(backup_manifest_read(folder, &manifest, &err));
    ck_ok(backup_manifest_verify(folder, &manifest, &err));
    ck_assert_str_eq(manifest.run_id, RUN);
    for (size_t i = 0; i < manifest.count; i++)
        rows += strncmp(manifest.files[i].name, "part-", 5) == 0 ? manifest.files[i].rows : 0;
    backup_manifest_free(&manifest);
    return rows;
}

/* Reads the folder with Python's csv module, proves each payload by its digest, and returns a line "name version" for each row, the
 * name in hex. With `script`, that runs too, with `rows` and `chunks` at hand. */
static inline Buf python_rows(const char *script)
{
    static const char program[] =
        "import csv, glob, hashlib, re, sys\n"
        "csv.field_size_limit(1 << 30)\n"
        "rows, chunks = [], []\n"
        "for f in sorted(glob.glob(sys.argv[1] + '/part-*.csv')):\n"
        "    rows += list(csv.DictReader(open(f, newline='', encoding='utf-8'), strict=True))\n"
        "for f in sorted(glob.glob(sys.argv[1] + '/chunks-*.csv')):\n"
        "    chunks += list(csv.DictReader(open(f, newline='', encoding='utf-8'), strict=True))\n"
        "def raw(text):\n"
        "    assert text.startswith('\\\\x'), text[:9]\n"
        "    return bytes.fromhex(text[2:])\n"
        "for r in rows:\n"
        "    assert None not in r and None not in r.values(), r\n"
        "    assert re.fullmatch(r'\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{6}\\+00:00', r['source_mtime']), "
        "r['source_mtime']\n"
        "    assert r['is_active'] == ('t' if int(r['version']) % 2 == 0 else 'f') and r['run_id'] == '" RUN "'\n"
        "    assert raw(r['content_sha256']) == hashlib.sha256(r['name'].encode()).digest()\n"
        "    mine = sorted((int(c['seq']), raw(c['data'])) for c in chunks if (c['name'], c['version']) == (r['name'], "
        "r['version']))\n"
        "    if 'model_binary' in r:\n"
        "        payload = raw(r['model_binary'])\n"
        "        if r['chunk_count'] != '0':\n"
        "            assert payload == b'' and [s for s, _ in mine] == list(range(int(r['chunk_count'])))\n"
        "            payload = b''.join(d for _, d in mine)\n"
        "        assert len(payload) == int(r['stored_bytes']) and hashlib.sha256(payload).digest() == raw(r['stored_sha256'])\n"
        "    print(r['name'].encode().hex(), r['version'])\n";
    char command[2000];
    Buf out = {0};
    char path[300], result[300];
    snprintf(path, sizeof path, "%s/check.py", unit_temp_dir());
    snprintf(result, sizeof result, "%s/rows.txt", unit_temp_dir());
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fprintf(file, "%s%s\n", program, script != NULL ? script : "");
    ck_assert_int_eq(fclose(file), 0);
    snprintf(command, sizeof command, PYTHON " '%s' '%s' > '%s'", path, folder, result);
    ck_assert_int_eq(system(command), 0);
    ck_ok(fs_read_file(result, 1 << 20, &out, &err));
    return out;
}

static inline void expect_rows(Buf rows, const char *const *names, size_t count)
{
    Buf expected = {0};
    ck_ok(buf_text(&expected, "", &err));
    for (size_t i = 0; i < count; i++) {
        for (const char *c = names[i]; *c != '\0'; c++)
            ck_ok(buf_format(&expected, &err, "%02x", (unsigned)(unsigned char)*c));
        ck_ok(buf_format(&expected, &err, " %d\n", (int)i + 1));
    }
    ck_assert_str_eq(rows.len > 0 ? rows.data : "", expected.data);
    buf_free(&expected);
    buf_free(&rows);
}

static inline void store_chunked(BackupPart *part, const char *name, int32_t version)
{
    Sample *sample = sample_new(name, version, (size_t)STORE_CHUNK_BYTES + 12345, SIZE_MAX);
    sample->row.chunk_count = 2;
    ck_ok(backup_part_add(part, &sample->row, &sample->payload, &err));
    sample_free(sample);
    ck_ok(backup_part_sync(part, &err));
    backup_part_keep(part);
}

static inline void make_folder(void)
{
    Backup *backup = open_backup(BACKUP_FULL);
    BackupPart *part = backup_part(backup, 0, &err);
    store(part, "a", 1, 100);
    store(part, "b", 2, 50);
    ck_ok(backup_finish(backup, NULL, &err));
    backup_close(backup);
}

static const BackupOwner owner_here = {.place = "store/public", .store_id = "", .host = "host-a"};

static inline void finish_leftovers(void)
{
    ck_ok(backup_finish_leftovers(dir, &owner_here, &err));
}

static inline bool is_unfinished(void)
{
    return exists(folder) && !exists(in_folder("MANIFEST"));
}

/* A run that was killed: versions 1 to 4 in part 0 (2 is large), 5 in part 1, 6 chunked in part 2; all synced. */
static inline void leave_unfinished(size_t large)
{
    Backup *backup = open_backup(BACKUP_FULL);
    BackupPart *part = backup_part(backup, 0, &err);
    store(part, "one", 1, 100);
    store(part, "two", 2, large);
    store(part, "th\"r\"ee,", 3, 300);
    store(part, "four", 4, 400);
    store(backup_part(backup, 1, &err), "five", 5, 50);
    if (large > 0)
        store_chunked(backup_part(backup, 2, &err), "six", 6);
    backup_close(backup);
}

static inline void forget(void)
{
    char command[600];
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    ck_assert_int_eq(system(command), 0);
}

/* The versions in the folder, as bits; Python proves the rows. */
static inline unsigned versions_left(void)
{
    Buf rows = python_rows(NULL);
    unsigned bits = 0;
    for (char *line = rows.data; line != NULL && *line != '\0'; line = strchr(line, '\n') + 1)
        bits |= 1U << atoi(strchr(line, ' ') + 1);
    buf_free(&rows);
    return bits;
}

#endif
