/* The journal: a record that is believed says the same when it is written and read again, and no file stops the next record. The
 * input is taken as a line and as a file, each as it is and with its CRCs put right. */
#include <string.h>

#include "../../src/state/journal_format.h"
#include "fuzz_files.h"
#include "port/gzip.h"

static void check_same(const JournalRecord *a, const JournalRecord *b)
{
    fuzz_assert(a->event == b->event && a->is_directory == b->is_directory);
    fuzz_assert(strcmp(a->path, b->path) == 0 && strcmp(a->name, b->name) == 0 && a->version == b->version);
    fuzz_assert(stamp_is(&a->stamp, &b->stamp, 0) && a->read_ns == b->read_ns && digest_equal(&a->content, &b->content));
}

static void check_believed(const JournalRecord *record)
{
    Err err = {0};
    Buf line = {0}, second = {0};
    JournalRecord again;
    bool written;
    fuzz_assert(record->path[0] != '\0' && journal_format_line(&line, record, &written, &err));
    if (written) {
        fuzz_assert(line.len <= JOURNAL_LINE_MAX && memchr(line.data, '\n', line.len) == line.data + line.len - 1);
        char *copy = fuzz_string(line.data, line.len - 1);
        fuzz_assert(journal_parse_line(copy, line.len - 1, &again));
        check_same(record, &again);
        fuzz_assert(journal_format_line(&second, &again, &written, &err) && written);
        fuzz_assert(second.len == line.len && memcmp(second.data, line.data, line.len) == 0);
        free(copy);
    }
    buf_free(&line);
    buf_free(&second);
}

static void as_line(const void *data, size_t size)
{
    JournalRecord record;
    char *line = fuzz_string(data, size);
    if (journal_parse_line(line, size, &record))
        check_believed(&record);
    free(line);
}

static bool count_record(void *ctx, const JournalRecord *record, Err *err)
{
    (void)err;
    check_believed(record);
    fuzz_assert(record->event != JOURNAL_KNOWN ||
                !journal_is_racy(record)); /* the trail of a clean-up is not believed for anything */
    ++*(uint64_t *)ctx;
    return true;
}

static void as_file(const void *data, size_t size)
{
    Err err = {0};
    Journal *journal = NULL;
    uint64_t peeked = 0, read = 0, grown = 0, rewritten = 0;
    const JournalRecord record = {.path = "/m/a b.joblib", .name = "a b", .read_ns = INT64_MAX, .version = 1};
    char *path = fs_join(fuzz_dir(), "journal");
    fuzz_assert(path != NULL);
    fuzz_write(path, data, size);
    fuzz_assert(journal_peek(path, "", count_record, &peeked, &err));
    fuzz_assert(journal_open(path, &journal, &err) && journal_read(journal, count_record, &read, &err));
    fuzz_assert(read == peeked && read <= journal_lines(journal));
    fuzz_assert(journal_append(journal, &record, 1, &err) && journal_read(journal, count_record, &grown, &err) &&
                grown == read + 1);
    journal_close(journal);
    fuzz_assert(journal_open(path, &journal, &err) && journal_rewrite(journal, &record, 1, &err));
    fuzz_assert(journal_read(journal, count_record, &rewritten, &err) && rewritten == 1 && journal_lines(journal) == 2);
    journal_close(journal);
    free(path);
}

/* Each line of the input with the CRC in front that makes it ours, below our header. */
static void put_right(const uint8_t *data, size_t size, Buf *out)
{
    Err err = {0};
    fuzz_assert(buf_text(out, JOURNAL_HEADER, &err));
    for (size_t at = 0; at < size;) {
        const uint8_t *newline = memchr(data + at, '\n', size - at);
        size_t len = newline != NULL ? (size_t)(newline - data) - at : size - at;
        fuzz_assert(buf_format(out, &err, "%08x ", (unsigned)gzip_crc32(data + at, len)) && buf_append(out, data + at, len, &err));
        fuzz_assert(newline == NULL || buf_append(out, "\n", 1, &err));
        at += len + 1;
    }
}

/* The numbers of a record from the first bytes, its name and path from the others. */
static void as_record(const uint8_t *data, size_t size)
{
    uint64_t numbers[8] = {0};
    size_t taken = size < sizeof numbers ? size : sizeof numbers;
    Err err = {0};
    Buf line = {0};
    JournalRecord again;
    bool written;
    if (taken > 0)
        memcpy(numbers, data, taken);
    char *text = fuzz_string(data + taken, size - taken);
    const char *path = strlen(text) < size - taken ? text + strlen(text) + 1 : "";
    JournalRecord record = {.name = text,
                            .path = path[0] != '\0' ? path : "/m",
                            .is_directory = size % 2 == 1,
                            .version = (int32_t)(uint32_t)numbers[6]};
    record.stamp = (Stamp){numbers[0], numbers[1], numbers[2], (int64_t)numbers[3], (int64_t)numbers[4]};
    record.read_ns = (int64_t)numbers[5];
    memcpy(record.content.byte, &numbers[7], sizeof numbers[7]);
    fuzz_assert(journal_format_line(&line, &record, &written, &err));
    if (written) {
        fuzz_assert(journal_parse_line(line.data, line.len - 1, &again));
        check_same(&record, &again);
    }
    buf_free(&line);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Buf right = {0};
    put_right(data, size, &right);
    as_record(data, size);
    as_line(data, size);
    as_line(right.data + JOURNAL_HEADER_LEN, right.len - JOURNAL_HEADER_LEN);
    as_file(data, size);
    as_file(right.data, right.len);
    buf_free(&right);
    return 0;
}
