#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/fs.h"
#include "base/log.h"
#include "stage/backup.h"
#include "unit.h"

#define RUN "0198c0de-0000-7000-8000-000000000001"
#define PYTHON "/usr/bin/python3"

static Err err;

/* --- a disk that fails: these stand in front of libc's ------------------------------------------------------------------------- */

static int syncs_until_failure; /* 0 = never; the n-th from now fails with EIO */

static bool sync_fails(void)
{
    return syncs_until_failure > 0 && --syncs_until_failure == 0;
}

int fdatasync(int fd)
{
    if (!sync_fails())
        return (int)syscall(SYS_fdatasync, fd);
    errno = EIO;
    return -1;
}

int fsync(int fd)
{
    if (!sync_fails())
        return (int)syscall(SYS_fsync, fd);
    errno = EIO;
    return -1;
}

/* --- helpers ------------------------------------------------------------------------------------------------------------------ */

static char dir[300], folder[400]; /* backup_dir and the run's folder */

static void set_dir(const char *base)
{
    snprintf(dir, sizeof dir, "%s/state/backups", base);
    snprintf(folder, sizeof folder, "%s/" RUN, dir);
}

static void setup(void)
{
    log_set_level(LOG_ERROR);
    syncs_until_failure = 0;
    set_dir(unit_temp_dir());
}

static const char *in_folder(const char *name)
{
    static char paths[4][500];
    static unsigned turn;
    char *path = paths[turn++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static bool exists(const char *path)
{
    return access(path, F_OK) == 0;
}

static void put_file(const char *path, const void *data, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ck_assert_msg(fd >= 0, "%s", path);
    ck_assert(fs_write(fd, data, len));
    close(fd);
}

static Buf get_file(const char *path)
{
    Buf buf = {0};
    ck_ok(fs_read_file(path, 1 << 30, &buf, &err));
    return buf;
}

/* A model with a payload of `bytes` bytes that depends on the name. */
typedef struct Sample {
    Spool payload;
    StoreRow row;
} Sample;

static Sample *sample_new(const char *name, int32_t version, size_t bytes, size_t memory_limit)
{
    Sample *sample = calloc(1, sizeof *sample);
    unsigned char *data = malloc(bytes + 1);
    ck_assert(sample != NULL && data != NULL);
    uint32_t noise = (uint32_t)strlen(name) * 2654435761U + (uint32_t)version + (unsigned char)name[0];
    for (size_t i = 0; i < bytes; i++)
        data[i] = (unsigned char)((noise = noise * 1664525U + 1013904223U) >> 24);
    spool_init(&sample->payload, memory_limit, unit_temp_dir());
    ck_ok(spool_write(&sample->payload, data, bytes, &err));
    sample->row = (StoreRow){.name = name, .version = version, .model_type = "classifier_binary", .event = "earnings", .is_active = version % 2 == 0,
                             .raw_bytes = 3 * bytes, .stored_bytes = bytes, .is_gzip = true, .source_host = "host-a", .source_path = name,
                             .source_mtime_ns = INT64_C(1767225600123456789), .run_id = RUN, .payload = &sample->payload};
    ck_ok(sha256_once(name, strlen(name), &sample->row.content, &err));
    ck_ok(sha256_once(data, bytes, &sample->row.stored, &err));
    free(data);
    return sample;
}

static void sample_free(Sample *sample)
{
    spool_free(&sample->payload);
    free(sample);
}

static Backup *open_backup(BackupMode mode)
{
    Backup *backup = NULL;
    ck_ok(backup_open(dir, RUN, mode, &backup, &err));
    return backup;
}

static bool add(BackupPart *part, const char *name, int32_t version, size_t bytes)
{
    Sample *sample = sample_new(name, version, bytes, SIZE_MAX);
    bool ok = backup_part_add(part, &sample->row, &err);
    sample_free(sample);
    return ok;
}

/* add, sync, keep */
static void store(BackupPart *part, const char *name, int32_t version, size_t bytes)
{
    ck_ok(add(part, name, version, bytes));
    ck_ok(backup_part_sync(part, &err));
    backup_part_keep(part);
}

/* The folder is whole; returns the rows of its part files. */
static uint64_t verified_rows(void)
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

/* Reads the folder with Python's csv module, proves each payload by its digest, and returns a line "name version" for each row, the name in
 * hex. With `script`, that runs too, with `rows` and `chunks` at hand. */
static Buf python_rows(const char *script)
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
        "    assert re.fullmatch(r'\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{6}\\+00:00', r['source_mtime']), r['source_mtime']\n"
        "    assert r['is_active'] == ('t' if int(r['version']) % 2 == 0 else 'f') and r['run_id'] == '" RUN "'\n"
        "    assert raw(r['content_sha256']) == hashlib.sha256(r['name'].encode()).digest()\n"
        "    mine = sorted((int(c['seq']), raw(c['data'])) for c in chunks if (c['name'], c['version']) == (r['name'], r['version']))\n"
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

static void expect_rows(Buf rows, const char *const *names, size_t count)
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

/* --- writing ------------------------------------------------------------------------------------------------------------------ */

START_TEST(nothing_stored_leaves_nothing)
{
    uint64_t rows = 99;
    for (int mode = BACKUP_FULL; mode <= BACKUP_NONE; mode++) {
        Backup *backup = open_backup((BackupMode)mode);
        BackupPart *part = backup_part(backup, 0, &err);
        ck_assert_ptr_nonnull(part);
        ck_assert_ptr_eq(backup_part(backup, 0, &err), part);
        ck_ok(backup_part_sync(part, &err));
        ck_ok(backup_part_undo(part, &err));
        backup_part_keep(part);
        ck_assert(!exists(dir));
        if (mode == BACKUP_NONE)
            store(part, "x", 1, 10);
        ck_ok(backup_finish(backup, &rows, &err));
        ck_assert_uint_eq(rows, 0);
        ck_assert(!exists(dir));
        backup_close(backup);
    }
    Backup *backup = open_backup(BACKUP_FULL);
    BackupPart *part = backup_part(backup, 0, &err);
    ck_ok(add(part, "x", 1, 10));
    ck_ok(backup_part_undo(part, &err));
    ck_ok(add(part, "y", 1, 10)); /* never kept */
    ck_ok(backup_finish(backup, &rows, &err));
    ck_assert_uint_eq(rows, 0);
    ck_assert(!exists(folder));
    ck_assert(exists(dir));
    backup_close(backup);
    backup_close(NULL);
}
END_TEST

START_TEST(hostile_names_come_back)
{
    static const char *const names[] = {"plain", "with,comma", "quote\"quote", "\"\"", "'; drop table models; --", "=cmd|' /C calc'!A0", "+1",
                                        "@x", "-x", "\xc3\xa4\xe6\xbc\xa2\xf0\x9f\x98\x80", " lead and trail ", "\\.", "\\x41", "NULL", "\\N",
                                        "a/b/c", "%s%n"};
    enum { COUNT = sizeof names / sizeof *names };
    Backup *backup = open_backup(BACKUP_FULL);
    BackupPart *part = backup_part(backup, 7, &err);
    for (size_t i = 0; i < COUNT; i++)
        store(part, names[i], (int32_t)i + 1, i * 37);
    uint64_t rows = 0;
    ck_ok(backup_finish(backup, &rows, &err));
    ck_assert_uint_eq(rows, COUNT);
    ck_assert_str_eq(backup_path(backup), folder);
    ck_fails(add(part, "late", 1, 1), ERR_BUG, "finished");
    backup_close(backup);
    ck_assert_uint_eq(verified_rows(), COUNT);
    struct stat st;
    ck_assert_int_eq(stat(in_folder("part-7.csv"), &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0600);
    ck_assert_int_eq(stat(in_folder("MANIFEST"), &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0600);
    ck_assert_int_eq(stat(folder, &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0700);
    Buf text = get_file(in_folder("part-7.csv"));
    static const char header[] = "name,version,model_type,event,model_binary,is_active,content_sha256,raw_bytes,stored_sha256,stored_bytes,"
                                 "format,encoding,chunk_count,source_host,source_path,source_mtime,run_id\n";
    ck_assert_int_eq(strncmp(text.data, header, sizeof header - 1), 0);
    ck_assert_ptr_nonnull(strstr(text.data, ",\"2026-01-01T00:00:00.123456+00:00\",\"" RUN "\"\n"));
    buf_free(&text);
    expect_rows(python_rows(NULL), names, COUNT);
}
END_TEST

START_TEST(odd_fields)
{
    static const char *const names[] = {"first", "second"};
    Backup *backup = open_backup(BACKUP_FULL);
    BackupPart *part = backup_part(backup, 0, &err);
    Sample *sample = sample_new("first", 1, 5, SIZE_MAX);
    sample->row.source_path = "/srv/a\n\\.\n\xff";
    sample->row.source_host = NULL;
    sample->row.source_mtime_ns = -1; /* a microsecond before 1970 */
    sample->row.is_tar = true;
    sample->row.is_gzip = false;
    ck_ok(backup_part_add(part, &sample->row, &err));
    /* A name that is no line of CSV is refused, and costs nobody else. */
    sample->row.name = "new\nline";
    ck_fails(backup_part_add(part, &sample->row, &err), ERR_SKIP, "control");
    sample->row.name = "broken\xff";
    ck_fails(backup_part_add(part, &sample->row, &err), ERR_SKIP, "UTF-8");
    ck_ok(add(part, "second", 2, 5));
    ck_ok(backup_part_sync(part, &err));
    backup_part_keep(part);
    ck_ok(backup_finish(backup, NULL, &err));
    backup_close(backup);
    sample_free(sample);
    expect_rows(python_rows("assert rows[0]['source_path'] == '/srv/a\\\\x0a\\\\.\\\\x0a\\\\xff', rows[0]['source_path']\n"
                            "assert rows[0]['source_mtime'] == '1969-12-31T23:59:59.999999+00:00', rows[0]['source_mtime']\n"
                            "assert (rows[0]['format'], rows[0]['encoding'], rows[0]['source_host']) == ('tar', 'identity', '')\n"
                            "assert (rows[1]['format'], rows[1]['encoding'], rows[1]['source_host']) == ('file', 'gzip', 'host-a')\n"),
                names, 2);
}
END_TEST

START_TEST(large_payloads_in_memory_and_on_disk)
{
    static const size_t sizes[] = {0, 1, 262143, 262145, 524287, 524288, 1048573, 3333331};
    enum { COUNT = sizeof sizes / sizeof *sizes };
    static const char *const names[] = {"m0", "m1", "m2", "m3", "m4", "m5", "m6", "m7"};
    Backup *backup = open_backup(BACKUP_FULL);
    for (unsigned number = 0; number < 2; number++) {
        BackupPart *part = backup_part(backup, number, &err);
        for (size_t i = number * COUNT / 2; i < (number + 1) * COUNT / 2; i++) {
            Sample *sample = sample_new(names[i], (int32_t)i + 1, sizes[i], i % 2 == 0 ? SIZE_MAX : 1000);
            ck_ok(backup_part_add(part, &sample->row, &err));
            sample_free(sample);
        }
        ck_ok(backup_part_sync(part, &err));
        backup_part_keep(part);
    }
    ck_ok(backup_finish(backup, NULL, &err));
    backup_close(backup);
    ck_assert_uint_eq(verified_rows(), COUNT);
    expect_rows(python_rows(NULL), names, COUNT);
}
END_TEST

static void store_chunked(BackupPart *part, const char *name, int32_t version)
{
    Sample *sample = sample_new(name, version, (size_t)STORE_CHUNK_BYTES + 12345, SIZE_MAX);
    sample->row.chunk_count = 2;
    ck_ok(backup_part_add(part, &sample->row, &err));
    sample_free(sample);
    ck_ok(backup_part_sync(part, &err));
    backup_part_keep(part);
}

START_TEST(chunked_payload_and_meta_mode)
{
    static const char *const names[] = {"small", "big,\"one\"", "after"};
    for (int mode = BACKUP_FULL; mode <= BACKUP_META; mode++) {
        Backup *backup = open_backup((BackupMode)mode);
        BackupPart *part = backup_part(backup, 0, &err);
        store(part, names[0], 1, 100);
        store_chunked(part, names[1], 2);
        store(part, names[2], 3, 100);
        ck_ok(backup_finish(backup, NULL, &err));
        backup_close(backup);
        ck_assert_uint_eq(verified_rows(), 3);
        ck_assert_int_eq(exists(in_folder("chunks-0.csv")), mode == BACKUP_FULL);
        expect_rows(python_rows(mode == BACKUP_FULL ? "assert len(chunks) == 2 and list(chunks[0]) == ['name', 'version', 'data', 'seq']"
                                                    : "assert 'model_binary' not in rows[0] and len(rows[0]) == 16"),
                    names, 3);
        BackupManifest manifest;
        ck_ok(backup_manifest_read(folder, &manifest, &err));
        ck_assert_int_eq((int)manifest.mode, mode);
        backup_manifest_free(&manifest);
        unit_remove_temp();
        ck_assert_int_eq(mkdir(unit_temp_dir(), 0700), 0);
    }
}
END_TEST

START_TEST(payload_that_is_not_as_the_row_says)
{
    Backup *backup = open_backup(BACKUP_FULL);
    BackupPart *part = backup_part(backup, 0, &err);
    store(part, "good", 1, 100);
    Sample *sample = sample_new("bad", 2, 100, SIZE_MAX);
    sample->row.stored_bytes = 101;
    ck_fails(backup_part_add(part, &sample->row, &err), ERR_BUG, "bad: the payload has 100 bytes");
    ck_fails(backup_part_sync(part, &err), ERR_BUG, "100 bytes"); /* a torn part takes nothing until undo */
    ck_ok(backup_part_undo(part, &err));
    sample->row.stored_bytes = 100;
    ck_ok(backup_part_add(part, &sample->row, &err));
    ck_ok(backup_part_sync(part, &err));
    backup_part_keep(part);
    ck_ok(backup_finish(backup, NULL, &err));
    backup_close(backup);
    sample_free(sample);
    ck_assert_uint_eq(verified_rows(), 2);
}
END_TEST

START_TEST(undo_goes_back_to_the_last_keep)
{
    static const char *const names[] = {"kept", "later"};
    Backup *backup = open_backup(BACKUP_FULL);
    BackupPart *part = backup_part(backup, 0, &err);
    store(part, "kept", 1, 3000000);
    ck_ok(add(part, "lost", 2, 3000001));
    ck_ok(add(part, "lost too", 3, 7));
    ck_ok(backup_part_undo(part, &err));
    ck_ok(add(part, "lost again", 2, 7));
    store_chunked(backup_part(backup, 1, &err), "other", 9);
    ck_ok(backup_part_sync(part, &err));
    ck_ok(backup_part_undo(part, &err)); /* COMMIT failed */
    store(part, "later", 2, 11);
    ck_ok(add(part, "not kept", 3, 2000000));
    uint64_t rows = 0;
    ck_ok(backup_finish(backup, &rows, &err));
    ck_assert_uint_eq(rows, 3);
    backup_close(backup);
    ck_assert_uint_eq(verified_rows(), 3);
    ck_assert_int_eq(unlink(in_folder("part-1.csv")), 0);
    expect_rows(python_rows(NULL), names, 2);
}
END_TEST

/* --- the manifest ------------------------------------------------------------------------------------------------------------- */

static void make_folder(void)
{
    Backup *backup = open_backup(BACKUP_FULL);
    BackupPart *part = backup_part(backup, 0, &err);
    store(part, "a", 1, 100);
    store(part, "b", 2, 50);
    ck_ok(backup_finish(backup, NULL, &err));
    backup_close(backup);
}

START_TEST(torn_or_edited_manifest_is_refused)
{
    make_folder();
    BackupManifest manifest = {0};
    Buf whole = get_file(in_folder("MANIFEST"));
    ck_assert_int_eq(strncmp(whole.data, "migrate_models_to_db backup 1\nrun " RUN "\nmode full\n", 80), 0);
    for (size_t cut = 0; cut < whole.len; cut++) {
        put_file(in_folder("MANIFEST"), whole.data, cut);
        ck_fails(backup_manifest_read(folder, &manifest, &err), ERR_STOP, "MANIFEST: ");
    }
    for (size_t bit = 0; bit < 8 * whole.len; bit++) {
        whole.data[bit / 8] ^= (char)(1 << bit % 8);
        put_file(in_folder("MANIFEST"), whole.data, whole.len);
        whole.data[bit / 8] ^= (char)(1 << bit % 8);
        err = (Err){0};
        /* Upper-case hex in the last line says the same. */
        bool ok = backup_manifest_read(folder, &manifest, &err);
        ck_assert_msg(!ok || (bit % 8 == 5 && bit / 8 >= whole.len - 65), "bit %zu was not noticed", bit);
        if (ok)
            backup_manifest_free(&manifest);
    }
    ck_ok(buf_text(&whole, "x", &err));
    put_file(in_folder("MANIFEST"), whole.data, whole.len);
    ck_fails(backup_manifest_read(folder, &manifest, &err), ERR_STOP, "torn or edited");
    put_file(in_folder("MANIFEST"), "migrate_models_to_db backup 2\n....", 34);
    ck_fails(backup_manifest_read(folder, &manifest, &err), ERR_STOP, "another version");
    ck_assert_int_eq(unlink(in_folder("MANIFEST")), 0);
    ck_fails(backup_manifest_read(folder, &manifest, &err), ERR_STOP, "MANIFEST");
    ck_assert_int_eq(err.errnum, ENOENT);
    ck_assert_ptr_null(manifest.files);
    buf_free(&whole);
}
END_TEST

/* A well-made MANIFEST with hostile lines. */
static void put_manifest(const char *body)
{
    Buf text = {0};
    Digest digest;
    char hex[2 * DIGEST_BYTES + 1];
    ck_ok(buf_text(&text, body, &err));
    ck_ok(sha256_once(text.data, text.len, &digest, &err));
    digest_hex(&digest, hex);
    ck_ok(buf_format(&text, &err, "manifest sha256 %s\n", hex));
    put_file(in_folder("MANIFEST"), text.data, text.len);
    buf_free(&text);
}

START_TEST(hostile_manifest_is_refused)
{
#define HEAD "migrate_models_to_db backup 1\nrun " RUN "\nmode full\n"
#define HASH "0000000000000000000000000000000000000000000000000000000000000000"
    static const char *const bodies[] = {
        HEAD HASH "  1  1  ../part-0.csv\n", HEAD HASH "  1  1  /etc/passwd\n",   HEAD HASH "  -1  1  part-0.csv\n",
        HEAD HASH "  1  part-0.csv\n",       HEAD HASH " 1 1 part-0.csv\n",       HEAD HASH "0  1  1  part-0.csv\n",
        HEAD HASH "  99999999999999999999  1  part-0.csv\n", HEAD "\n",           "migrate_models_to_db backup 1\nmode full\nmode full\n",
        "migrate_models_to_db backup 1\nrun " RUN "\nrun " RUN "\n", "migrate_models_to_db backup 1\nrun " RUN "\nmode none\n",
        "migrate_models_to_db backup 1\nrun ../../../../etc\nmode full\n", "migrate_models_to_db backup 1\n"};
    make_folder();
    BackupManifest manifest;
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        put_manifest(bodies[i]);
        ck_fails(backup_manifest_read(folder, &manifest, &err), ERR_STOP, "MANIFEST: ");
    }
    put_manifest(HEAD HASH "  1  1  part-0.csv\n");
    ck_ok(backup_manifest_read(folder, &manifest, &err));
    ck_fails(backup_manifest_verify(folder, &manifest, &err), ERR_STOP, "part-0.csv: has ");
    backup_manifest_free(&manifest);
    backup_manifest_free(NULL);
}
END_TEST

START_TEST(verify_names_what_differs)
{
    make_folder();
    BackupManifest manifest;
    char path[500];
    snprintf(path, sizeof path, "%s", in_folder("part-0.csv"));
    ck_ok(backup_manifest_read(folder, &manifest, &err));
    ck_ok(backup_manifest_verify(folder, &manifest, &err));
    Buf whole = get_file(path);
    put_file(path, whole.data, whole.len - 1);
    ck_fails(backup_manifest_verify(folder, &manifest, &err), ERR_STOP, "part-0.csv: has ");
    whole.data[whole.len / 2] ^= 1;
    put_file(path, whole.data, whole.len);
    ck_fails(backup_manifest_verify(folder, &manifest, &err), ERR_STOP, "part-0.csv: its SHA-256");
    whole.data[whole.len / 2] ^= 1;
    put_file(path, whole.data, whole.len);
    ck_ok(backup_manifest_verify(folder, &manifest, &err));
    put_file(in_folder("part-9.csv"), "", 0);
    ck_fails(backup_manifest_verify(folder, &manifest, &err), ERR_STOP, "part-9.csv: the MANIFEST does not name");
    ck_assert_int_eq(unlink(in_folder("part-9.csv")), 0);
    ck_assert_int_eq(unlink(path), 0);
    ck_fails(backup_manifest_verify(folder, &manifest, &err), ERR_STOP, "part-0.csv");
    ck_assert_int_eq(err.errnum, ENOENT);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    ck_fails(backup_manifest_verify(folder, &manifest, &err), ERR_STOP, "not a regular file");
    backup_manifest_free(&manifest);
    buf_free(&whole);
}
END_TEST

/* --- recovery ----------------------------------------------------------------------------------------------------------------- */

/* What the store has: versions as bits. */
static bool is_stored(void *ctx, const char *name, int32_t version, const char *run_id, bool *stored, Err *e)
{
    (void)e;
    ck_assert_str_eq(run_id, RUN);
    ck_assert_uint_gt(strlen(name), 0);
    *stored = (*(const unsigned *)ctx >> version & 1) != 0;
    return true;
}

static void recover(unsigned stored)
{
    ck_ok(backup_recover(dir, is_stored, &stored, &err));
}

static bool needs_recovery(void)
{
    bool needs = false;
    ck_ok(backup_needs_recovery(dir, &needs, &err));
    return needs;
}

/* A run that was killed: versions 1 to 4 in part 0 (2 is large), 5 in part 1, 6 chunked in part 2; all synced. */
static void leave_unfinished(size_t large)
{
    Backup *backup = open_backup(BACKUP_FULL);
    BackupPart *part = backup_part(backup, 0, &err);
    store(part, "one", 1, 100);
    store(part, "two", 2, large);
    store(part, "three", 3, 300);
    store(part, "four", 4, 400);
    store(backup_part(backup, 1, &err), "five", 5, 50);
    if (large > 0)
        store_chunked(backup_part(backup, 2, &err), "six", 6);
    backup_close(backup);
}

static void forget(void)
{
    char command[600];
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    ck_assert_int_eq(system(command), 0);
}

/* The versions in the folder, as bits; Python proves the rows. */
static unsigned versions_left(void)
{
    Buf rows = python_rows(NULL);
    unsigned bits = 0;
    for (char *line = rows.data; line != NULL && *line != '\0'; line = strchr(line, '\n') + 1)
        bits |= 1U << atoi(strchr(line, ' ') + 1);
    buf_free(&rows);
    return bits;
}

START_TEST(recovery_keeps_what_is_stored)
{
    bool needs = true;
    ck_ok(backup_needs_recovery(dir, &needs, &err));
    ck_assert(!needs);
    recover(0);
    static const unsigned cases[] = {0x7e, 0x7c, 0x5a, 0x40, 0x02, 0x3e, 0x14, 0x3e, 0x7a};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        leave_unfinished(2000000);
        ck_assert(needs_recovery());
        recover(cases[i]);
        ck_assert(!needs_recovery());
        ck_assert_uint_eq(verified_rows(), (uint64_t)__builtin_popcount(cases[i]));
        ck_assert_uint_eq(versions_left(), cases[i]);
        ck_assert_int_eq(exists(in_folder("part-1.csv")), (cases[i] >> 5 & 1) != 0);
        ck_assert_int_eq(exists(in_folder("chunks-2.csv")), (cases[i] >> 6 & 1) != 0);
        forget();
    }
    leave_unfinished(0);
    recover(0);
    ck_assert(!exists(folder));
    ck_assert(exists(dir));
}
END_TEST

/* Only what is torn goes, at whatever byte the kill came; also inside the header. */
START_TEST(torn_rows_are_cut_at_every_byte)
{
    Backup *backup = open_backup(BACKUP_FULL);
    BackupPart *part = backup_part(backup, 0, &err);
    store(part, "one", 1, 10);
    struct stat st;
    ck_assert_int_eq(stat(in_folder("part-0.csv"), &st), 0);
    size_t first = (size_t)st.st_size;
    store(part, "two", 2, 20);
    backup_close(backup);
    char path[500];
    snprintf(path, sizeof path, "%s", in_folder("part-0.csv"));
    Buf whole = get_file(path);
    for (size_t cut = 0; cut < whole.len; cut++) {
        ck_assert(exists(folder) || mkdir(folder, 0700) == 0);
        unlink(in_folder("MANIFEST"));
        put_file(path, whole.data, cut);
        recover(~0U);
        if (cut < first) {
            ck_assert_msg(!exists(folder), "cut at %zu", cut);
            continue;
        }
        ck_assert_uint_eq(verified_rows(), 1);
        Buf now = get_file(path);
        ck_assert_uint_eq(now.len, first);
        ck_assert_int_eq(memcmp(now.data, whole.data, first), 0);
        buf_free(&now);
    }
    buf_free(&whole);
}
END_TEST

/* Not torn but damaged: a changed byte in the first of two rows costs that row only, if it can be seen at all. */
START_TEST(damaged_rows_are_cut)
{
    leave_unfinished(30);
    ck_assert_int_eq(unlink(in_folder("part-1.csv")), 0);
    ck_assert_int_eq(unlink(in_folder("part-2.csv")), 0);
    ck_assert_int_eq(unlink(in_folder("chunks-2.csv")), 0);
    char path[500];
    snprintf(path, sizeof path, "%s", in_folder("part-0.csv"));
    Buf whole = get_file(path);
    const char *row = strstr(whole.data, "\"one\""), *payload = strstr(row, "\\x"), *run = strstr(row, RUN), *end = strchr(row, '\n');
    struct {
        const char *at;
        char byte;
        unsigned left;
    } cases[] = {{payload, 'x', 0x1c}, {payload + 2, 'g', 0x1c}, {payload + 40, payload[40] == '0' ? '1' : '0', 0x1c}, {payload + 41, '\n', 0x1c},
                 {payload + 41, '"', 0x1c}, {run, 'f', 0x1c}, {row, 'x', 0x1c}, {end - 1, 'x', 0x1c}, {end, 'x', 0x18}, {row + 6, 'x', 0x1c},
                 {payload + 41, '\0', 0x1c}, {row + 2, '\0', 0x1c}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t at = (size_t)(cases[i].at - whole.data);
        char was = whole.data[at];
        whole.data[at] = cases[i].byte;
        put_file(path, whole.data, whole.len);
        whole.data[at] = was;
        unlink(in_folder("MANIFEST"));
        recover(~0U);
        verified_rows();
        ck_assert_msg(versions_left() == cases[i].left, "case %zu", i);
    }
    buf_free(&whole);
}
END_TEST

START_TEST(foreign_folders_are_left_alone)
{
    char path[600];
    make_folder(); /* finished */
    Buf manifest = get_file(in_folder("MANIFEST"));
    static const char *const names[] = {"notes", "0198c0de-0000-7000-8000-00000000000", "0198C0DE-0000-7000-8000-000000000002",
                                        "0198c0de-0000-7000-8000-0000000000020", "0198c0de-0000-7000-8000-000000000003"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        ck_assert_int_eq(mkdir(path, 0700), 0);
        /* The last has a name of ours, but holds something else. */
        snprintf(path, sizeof path, "%s/%s/%s", dir, names[i], i + 1 < sizeof names / sizeof *names ? "part-0.csv" : "holiday.jpg");
        put_file(path, "mine", 4);
    }
    snprintf(path, sizeof path, "%s/0198c0de-0000-7000-8000-000000000004", dir);
    put_file(path, "a file", 6);
    snprintf(path, sizeof path, "%s/0198c0de-0000-7000-8000-000000000005", dir);
    ck_assert_int_eq(symlink(folder, path), 0);
    ck_assert(!needs_recovery());
    recover(0);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s/%s", dir, names[i], i + 1 < sizeof names / sizeof *names ? "part-0.csv" : "holiday.jpg");
        ck_assert_msg(exists(path), "%s", path);
        snprintf(path, sizeof path, "%s/%s/MANIFEST", dir, names[i]);
        ck_assert(!exists(path));
    }
    ck_assert_uint_eq(verified_rows(), 2);
    /* A backup of a later version: its header is not ours. */
    ck_assert_int_eq(unlink(in_folder("MANIFEST")), 0);
    put_file(in_folder("part-0.csv"), "name,version,something_new\n\"x\",1,2\n", 35);
    recover(0);
    Buf kept = get_file(in_folder("part-0.csv"));
    ck_assert_uint_eq(kept.len, 35);
    ck_assert(!exists(in_folder("MANIFEST")));
    buf_free(&kept);
    buf_free(&manifest);
}
END_TEST

/* Killed just after mkdir, or in the middle of an earlier recovery. */
START_TEST(leftovers_of_a_kill_are_removed)
{
    ck_ok(fs_make_private_dir(folder, &err));
    ck_assert(needs_recovery());
    recover(~0U);
    ck_assert(!exists(folder));
    leave_unfinished(100);
    put_file(in_folder("part-0.csv.tmp"), "half", 4);
    put_file(in_folder("MANIFEST.tmp"), "half", 4);
    put_file(in_folder("notes.txt"), "a user's", 8);
    recover(0x3e);
    ck_assert(!exists(in_folder("part-0.csv.tmp")));
    ck_assert(!exists(in_folder("MANIFEST.tmp")));
    ck_assert(exists(in_folder("notes.txt")));
    ck_assert_uint_eq(verified_rows(), 5);
}
END_TEST

START_TEST(recovery_passes_the_callers_error_up)
{
    leave_unfinished(100);
    ck_assert_int_eq(unlink(in_folder("part-1.csv")), 0);
    ck_assert_int_eq(mkfifo(in_folder("part-1.csv"), 0600), 0);
    unsigned stored = 0x7e;
    ck_fails(backup_recover(dir, is_stored, &stored, &err), ERR_STOP, "part-1.csv: not a regular file");
    ck_assert(!exists(in_folder("MANIFEST")));
}
END_TEST

/* Recovery in a child that is killed at its n-th system call; false when it ended before that. */
static bool recover_and_kill(unsigned stored, int at_call)
{
    int status, calls = 0;
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
            _exit(77);
        raise(SIGSTOP);
        _exit(backup_recover(dir, is_stored, &stored, NULL) ? 0 : 1);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    while (WIFSTOPPED(status) && calls++ < at_call) {
        ck_assert_int_eq(ptrace(PTRACE_SYSCALL, pid, NULL, NULL), 0);
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    }
    if (WIFSTOPPED(status)) {
        ck_assert_int_eq(kill(pid, SIGKILL), 0);
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        return true;
    }
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %d", status);
    return false;
}

START_TEST(recovery_can_be_killed_at_any_system_call)
{
    static const unsigned cases[] = {0x3a, 0x06, 0x00}; /* rewrite a file, cut one and remove one, remove all */
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        leave_unfinished(0);
        recover(cases[i]);
        Buf expected = {0};
        if (cases[i] != 0)
            expected = get_file(in_folder("MANIFEST"));
        forget();
        int kills = 0;
        for (bool killed = true; killed; kills++) {
            leave_unfinished(0);
            killed = recover_and_kill(cases[i], kills + 1);
            recover(cases[i]);
            ck_assert(!needs_recovery());
            if (cases[i] == 0) {
                ck_assert(!exists(folder));
            } else {
                ck_assert_uint_eq(verified_rows(), (uint64_t)__builtin_popcount(cases[i]));
                Buf now = get_file(in_folder("MANIFEST"));
                ck_assert(now.len == expected.len && memcmp(now.data, expected.data, now.len) == 0);
                buf_free(&now);
            }
            forget();
        }
        ck_assert_int_gt(kills, 20);
        buf_free(&expected);
    }
}
END_TEST

/* --- faults ------------------------------------------------------------------------------------------------------------------- */

START_TEST(failed_fsync_is_final)
{
    /* The n-th fsync of a run with two batches fails, for every n. */
    for (int n = 1;; n++) {
        Backup *backup = open_backup(BACKUP_FULL);
        BackupPart *part = backup_part(backup, 0, &err);
        unsigned stored = 0;
        syncs_until_failure = n;
        for (int32_t version = 1; version <= 2; version++) {
            if (!add(part, "m", version, 1000) || !backup_part_sync(part, &err))
                break;
            backup_part_keep(part);
            stored |= 1U << version;
        }
        bool part_failed = stored != 6;
        if (part_failed) {
            /* Now the disk works again; the part must not. */
            ck_assert_int_eq(syncs_until_failure, 0);
            ck_fails(backup_part_sync(part, &err), ERR_STOP, "Input/output error");
            ck_fails(add(part, "m", 3, 10), ERR_STOP, "Input/output error");
            ck_fails(backup_part_undo(part, &err), ERR_STOP, "Input/output error");
            backup_part_keep(part);
            ck_fails(add(part, "m", 3, 10), ERR_STOP, "Input/output error");
        }
        bool finished = backup_finish(backup, NULL, &err);
        bool happened = syncs_until_failure == 0;
        syncs_until_failure = 0;
        ck_assert_int_eq(finished, !happened);
        backup_close(backup);
        /* When the MANIFEST's own folder could not be synced, it may be there: then it is right. */
        if (needs_recovery())
            recover(stored);
        if (stored == 0)
            ck_assert(!exists(folder));
        else
            ck_assert_uint_eq(verified_rows(), (uint64_t)__builtin_popcount(stored));
        forget();
        if (!happened) {
            ck_assert_int_gt(n, 7); /* file, folders, file, finish, MANIFEST, folder */
            break;
        }
    }
}
END_TEST

START_TEST(folders_are_synced_when_they_are_new)
{
    Backup *backup = open_backup(BACKUP_FULL);
    BackupPart *part = backup_part(backup, 0, &err);
    ck_ok(add(part, "m", 1, 10));
    syncs_until_failure = 1000;
    ck_ok(backup_part_sync(part, &err));
    /* The file; its folder, backups, state, and the directory that was there. */
    ck_assert_int_eq(1000 - syncs_until_failure, 5);
    backup_part_keep(part);
    syncs_until_failure = 1000;
    store(part, "m", 2, 10);
    ck_assert_int_eq(1000 - syncs_until_failure, 1);
    syncs_until_failure = 0;
    ck_ok(backup_finish(backup, NULL, &err));
    backup_close(backup);
}
END_TEST

static void limit_file_size(rlim_t bytes)
{
    struct rlimit limit;
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* With room for `bytes` more, a large row fails and a small one still goes. */
static void fill_the_disk(void)
{
    Backup *backup = open_backup(BACKUP_FULL);
    BackupPart *part = backup_part(backup, 0, &err);
    store(part, "one", 1, 1000);
    Sample *sample = sample_new("too large", 2, 5000000, SIZE_MAX);
    bool ok = backup_part_add(part, &sample->row, &err) && backup_part_sync(part, &err);
    ck_assert(!ok);
    ck_assert_int_eq(err.cls, ERR_STOP);
    ck_assert(err.errnum == ENOSPC || err.errnum == EFBIG);
    ck_assert_ptr_nonnull(strstr(err.text, "part-0.csv"));
    ck_fails(backup_part_sync(part, &err), ERR_STOP, "part-0.csv");
    ck_fails(backup_part_add(part, &sample->row, &err), ERR_STOP, "part-0.csv");
    ck_ok(backup_part_undo(part, &err));
    store(part, "two", 2, 1000);
    ck_assert(!backup_part_add(part, &sample->row, &err) || !backup_part_sync(part, &err));
    sample_free(sample);
    uint64_t rows = 0;
    ck_ok(backup_finish(backup, &rows, &err));
    ck_assert_uint_eq(rows, 2);
    backup_close(backup);
    ck_assert_uint_eq(verified_rows(), 2);
}

START_TEST(file_size_limit)
{
    limit_file_size(2500000);
    Sample *warm_up = sample_new("x", 1, 1, SIZE_MAX);
    sample_free(warm_up);
    fill_the_disk();
    limit_file_size(RLIM_INFINITY);
    ck_assert_uint_eq(versions_left(), 6);
}
END_TEST

START_TEST(full_disk)
{
    char path[300];
    snprintf(path, sizeof path, "%s/small", unit_temp_dir());
    ck_assert_int_eq(mkdir(path, 0700), 0);
    /* Mounts of this process only; not everyone may. */
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("tmpfs", path, "tmpfs", 0, "size=3m") != 0)
        return;
    set_dir(path);
    fill_the_disk();
    forget();
    /* Recovery that has no room to rewrite fails, and succeeds when there is room. */
    leave_unfinished(0);
    char filler[400];
    snprintf(filler, sizeof filler, "%s/filler", path);
    int fd = open(filler, O_WRONLY | O_CREAT, 0600);
    ck_assert_int_ge(fd, 0);
    static const char zeros[4096];
    while (write(fd, zeros, sizeof zeros) > 0)
        continue;
    close(fd);
    unsigned stored = 0x3a;
    ck_fails(backup_recover(dir, is_stored, &stored, &err), ERR_STOP, "part-0.csv");
    ck_assert_int_eq(err.errnum, ENOSPC);
    ck_assert(needs_recovery());
    ck_assert_int_eq(unlink(filler), 0);
    recover(stored);
    ck_assert_uint_eq(verified_rows(), 4);
    ck_assert_int_eq(umount(path), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("stage/backup");
    TCase *tc = tcase_create("backup");
    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, setup, unit_remove_temp);
    tcase_add_test(tc, nothing_stored_leaves_nothing);
    tcase_add_test(tc, hostile_names_come_back);
    tcase_add_test(tc, odd_fields);
    tcase_add_test(tc, large_payloads_in_memory_and_on_disk);
    tcase_add_test(tc, chunked_payload_and_meta_mode);
    tcase_add_test(tc, payload_that_is_not_as_the_row_says);
    tcase_add_test(tc, undo_goes_back_to_the_last_keep);
    tcase_add_test(tc, torn_or_edited_manifest_is_refused);
    tcase_add_test(tc, hostile_manifest_is_refused);
    tcase_add_test(tc, verify_names_what_differs);
    tcase_add_test(tc, recovery_keeps_what_is_stored);
    tcase_add_test(tc, torn_rows_are_cut_at_every_byte);
    tcase_add_test(tc, damaged_rows_are_cut);
    tcase_add_test(tc, foreign_folders_are_left_alone);
    tcase_add_test(tc, leftovers_of_a_kill_are_removed);
    tcase_add_test(tc, recovery_passes_the_callers_error_up);
    tcase_add_test(tc, recovery_can_be_killed_at_any_system_call);
    tcase_add_test(tc, failed_fsync_is_final);
    tcase_add_test(tc, folders_are_synced_when_they_are_new);
    tcase_add_test(tc, file_size_limit);
    tcase_add_test(tc, full_disk);
    suite_add_tcase(suite, tc);
    return unit_run(suite);
}
