/* With a folder as its argument this program writes the pages that tests/cli/test_report_page.py shows to a browser. */
#include "stage/inventory.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/text.h"
#include "port/csvfile.h"
#include "unit.h"

/* What would break out of text, of an attribute, of a title, a style, an SVG or a line; not UTF-8, and turning the direction of writing. */
#define HOSTILE                                                                                                                           \
    "</title></style></svg>\"'><script src=http://127.0.0.1:1/s></script><img src=http://127.0.0.1:1/i onerror=alert(1)>&lt;&#60;"       \
    "=1+1,\x1b[31m\r\n\t\x7f\xff\xe2\x80\xae-->]]>url(http://127.0.0.1:1/u)"

enum { ITEMS = 12 };

typedef struct Sample {
    Inventory inventory;
    InventoryItem items[ITEMS];
} Sample;

static Digest digest_of(unsigned char byte)
{
    Digest digest;
    memset(&digest, byte, sizeof digest);
    return digest;
}

static InventoryItem row(char letter, const char *text, int32_t version, unsigned char content)
{
    return (InventoryItem){.path = text, .name = text, .version = version, .model_type = text, .letter = letter, .has_row = true,
                           .raw_bytes = 10 * 1024 * (uint64_t)content, .stored_bytes = 1024 * (uint64_t)content, .content = digest_of(content),
                           .stored = digest_of((unsigned char)(content + 100)), .created_ns = INT64_C(1772366400123000000), .run_id = text};
}

/* Every kind of item once or twice; all strings are `text`, but the second name where a picture needs two. */
static void fill(Sample *sample, const char *text, const char *other)
{
    InventoryItem *items = sample->items;
    for (int i = 0; i < ITEMS; i++)
        items[i] = row('=', text, i + 1, (unsigned char)(i + 1));
    items[0].can_go = items[0].server_proof = items[0].download_proof = true;
    items[1].can_go = items[1].server_proof = items[1].download_proof = true;
    items[1].name = other;                /* the same content under two names */
    items[1].content = items[0].content;
    items[2].reason = text;               /* must stay */
    items[3] = (InventoryItem){.path = text, .name = text, .version = -1, .letter = '+', .raw_bytes = 512};
    items[4].letter = '-';
    items[4].path = NULL;
    items[5].letter = '*';
    items[5].reason = text;
    items[6].letter = '*';
    items[6].reason = text;
    items[6].is_damaged = true;
    items[7] = (InventoryItem){.path = text, .version = -1, .letter = '!', .reason = text, .raw_bytes = 7};
    items[8].letter = '-';
    items[8].path = NULL;
    items[8].is_older = true;
    items[9].model_type = other;
    items[9].run_id = "";
    items[10].created_ns = 0;
    items[11].model_type = NULL;
    sample->inventory = (Inventory){.title = text, .models_dir = text, .store = text, .host = text, .made_ns = INT64_C(1772366400000000000),
                                    .is_cleanup = true, .items = items, .count = ITEMS, .older = 1};
}

static const char *page_of(const Inventory *inventory, Buf *out)
{
    Err err = {0};
    buf_clear(out);
    ck_ok(inventory_html(inventory, out, &err));
    return out->data;
}

static void has(const char *page, const char *part)
{
    ck_assert_msg(strstr(page, part) != NULL, "not in the page: %s", part);
}

static void lacks(const char *page, const char *part)
{
    ck_assert_msg(strstr(page, part) == NULL, "in the page: %s", part);
}

/* --- escaping ---------------------------------------------------------------------------------------------------------------- */

/* The tags of a page with their attributes; what stands in quotes is left out. */
static void skeleton(const char *page, Buf *out)
{
    Err err = {0};
    char quote = '\0';
    bool inside = false;
    for (const char *s = strstr(page, "</style>"); *s != '\0'; s++) {
        if (!inside && *s == '<')
            inside = true;
        if (inside && quote == '\0')
            ck_ok(buf_append(out, s, 1, &err));
        if (inside && (*s == '"' || *s == '\''))
            quote = quote == '\0' ? *s : quote == *s ? '\0' : quote;
        if (inside && quote == '\0' && *s == '>')
            inside = false;
    }
    ck_ok(buf_text(out, "", &err));
}

START_TEST(hostile_strings_make_no_tag)
{
    Sample hostile, tame;
    Buf page = {0}, with = {0}, without = {0};
    for (int cleanup = 0; cleanup < 2; cleanup++) {
        fill(&hostile, HOSTILE, HOSTILE "2");
        fill(&tame, "tame", "tame2");
        hostile.inventory.is_cleanup = tame.inventory.is_cleanup = cleanup;
        buf_clear(&with);
        buf_clear(&without);
        skeleton(page_of(&hostile.inventory, &page), &with);
        has(page.data, "&lt;/title&gt;&lt;/style&gt;&lt;/svg&gt;&quot;&#39;&gt;&lt;script src=");
        has(page.data, "onerror=alert(1)&gt;&amp;lt;&amp;#60;=1+1,\\x1b[31m\\x0d\\x0a\\x09\\x7f\\xff\\xe2\\x80\\xae--&gt;");
        lacks(page.data, "<script");
        lacks(page.data, "<img");
        skeleton(page_of(&tame.inventory, &page), &without);
        ck_assert_uint_gt(without.len, 2000);
        ck_assert_str_eq(with.data, without.data);
    }
    buf_free(&page);
    buf_free(&with);
    buf_free(&without);
}
END_TEST

START_TEST(page_is_clean_utf8_and_asks_for_nothing)
{
    Sample sample;
    Buf page = {0};
    fill(&sample, HOSTILE, "b");
    page_of(&sample.inventory, &page);
    ck_assert_uint_eq(strlen(page.data), page.len);
    ck_assert(text_utf8_valid(page.data, page.len));
    for (size_t i = 0; i < page.len; i++)
        ck_assert_msg((unsigned char)page.data[i] >= 0x20 || page.data[i] == '\n', "byte %d at %zu", page.data[i], i);
    has(page.data, "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; ");
    fill(&sample, "a", "b");
    page_of(&sample.inventory, &page);
    static const char *const outward[] = {"http:", "https:", "url(", "src=", "href=", "@import", "<link", "<form", "<iframe", "\xe2\x80\xae"};
    for (size_t i = 0; i < sizeof outward / sizeof *outward; i++)
        lacks(page.data, outward[i]);
    buf_free(&page);
}
END_TEST

/* --- what the page says ------------------------------------------------------------------------------------------------------ */

static void in_order(const char *page, const char *const *parts, size_t count)
{
    const char *at = page;
    for (size_t i = 0; i < count; i++) {
        const char *found = strstr(at, parts[i]);
        ck_assert_msg(found != NULL, "missing or in the wrong order: %s", parts[i]);
        at = found + strlen(parts[i]);
    }
}

START_TEST(page_counts_and_sorts)
{
    static const char *const parts[] = {
        "verdict bad", "1 model is damaged in the store", "<b>a@7</b> a", "verdict warn", "2 models need a look",
        "1 differs from the store, 1 could not be checked",
        /* on disk: 1..12 times 10 KiB, less numbers 4, 5, 8 and 9, and 519 bytes */
        "On disk</h3><p class=big>10</p><p>521 KiB</p>",
        /* rows: 1..12 times 10 KiB and 1 KiB, less numbers 4 and 8 */
        "In the store</h3><p class=big>10</p><p>66.0 KiB, 10 % of 660 KiB</p>",
        "Can go</h3><p class=big>2</p><p>frees 30.0 KiB</p>", "Must stay</h3><p class=big>8</p><p>491 KiB</p>",
        "The store keeps 1 earlier version ", "Why models must stay", "Damaged in the store<td>a<td class=n>1<td class=n>70.0 KiB",
        "Only on disk<td>The store does not have it. The next run stores it.<td class=n>1<td class=n>512 B",
        "What is stored", "Size by model type", "Growth over versions", "<b title=\"a\">a</b><span>10.0 KiB \xe2\x86\x92 120 KiB <em>+1100 %</em>",
        "Duplicates", "1 content is stored under several names. One copy of each would save 2.00 KiB in the store and 15.0 KiB on disk.",
        "<code title=0101", "<li>a@1<li>b@2</ul><td class=n>10.0 KiB<td class=n>2.00 KiB",
        "All models", "</i>Damaged", "</i>Differs", "</i>Could not", "</i>Only on disk", "</i>Stored, but must", "</i>Only in the store",
        "</i>Can go", "<tr><td>=<th>a<p>a@1<td>a<td>10.0 KiB<td>1.00 KiB<td>2026-03-01 12:00<p>a<td><code title=0101", "<b>S</b><b>R</b>\n",
        "</i>Earlier versions", "<h2 id=runs>Runs", "<code>a</code><td>2026-03-01 12:00<td class=n>9",
    };
    Sample sample;
    Buf page = {0};
    fill(&sample, "a", "b");
    in_order(page_of(&sample.inventory, &page), parts, sizeof parts / sizeof *parts);
    buf_free(&page);
}
END_TEST

START_TEST(check_page_speaks_of_differences)
{
    static const char *const parts[] = {"Same</h3><p class=big>6</p>", "Differences</h3><p class=big>5</p>", "What is not the same", "</i>Same"};
    Sample sample;
    Buf page = {0};
    fill(&sample, "a", "b");
    sample.inventory.is_cleanup = false;
    in_order(page_of(&sample.inventory, &page), parts, sizeof parts / sizeof *parts);
    lacks(page.data, "Can go");
    lacks(page.data, "must stay");
    buf_free(&page);
}
END_TEST

START_TEST(good_news_and_nothing)
{
    Sample sample;
    Buf page = {0};
    fill(&sample, "a", "b");
    sample.inventory.count = 2;
    has(page_of(&sample.inventory, &page), "verdict good\">\n<h2>The tree and the store agree");
    lacks(page.data, "verdict bad");
    lacks(page.data, "id=why");
    sample.inventory.count = 0;
    has(page_of(&sample.inventory, &page), "Nothing is here");
    lacks(page.data, "id=all");
    buf_free(&page);
}
END_TEST

/* Sizes may be nothing or nonsense; a picture still has finite numbers. */
START_TEST(odd_sizes_draw_finite_shapes)
{
    static const uint64_t sizes[] = {0, 1, UINT64_MAX, INT64_MAX};
    Buf page = {0};
    for (size_t round = 0; round < 4 * 4; round++) {
        Sample sample;
        fill(&sample, "a", "b");
        for (size_t i = 0; i < ITEMS; i++) {
            sample.items[i].raw_bytes = sizes[(i + round) % 4 < 2 ? round % 4 : round / 4];
            sample.items[i].stored_bytes = sizes[i % 3 == 0 ? round / 4 : round % 4];
        }
        page_of(&sample.inventory, &page);
        lacks(page.data, "nan");
        lacks(page.data, "inf%");
        lacks(page.data, "width=\"-");
    }
    buf_free(&page);
}
END_TEST

START_TEST(same_input_same_page)
{
    Sample *first = malloc(sizeof *first), *second = malloc(sizeof *second);
    Buf a = {0}, b = {0};
    ck_assert(first != NULL && second != NULL);
    fill(first, "a", "b");
    fill(second, "a", "b");
    ck_assert_str_eq(page_of(&first->inventory, &a), page_of(&second->inventory, &b));
    buf_free(&a);
    buf_free(&b);
    free(first);
    free(second);
}
END_TEST

/* A large tree: names of 30 and paths of 40 characters. */
static InventoryItem *many_items(size_t count, char (*names)[80])
{
    InventoryItem *items = calloc(count, sizeof *items);
    ck_assert_ptr_nonnull(items);
    for (size_t i = 0; i < count; i++) {
        char *path = names[2 * i], *name = names[2 * i + 1];
        snprintf(path, 80, "filings/%06zu_event_classifier_binary.joblib", i);
        snprintf(name, 80, "filings/%06zu_event_classifier_binary", i);
        items[i] = row('=', name, 1, 0);
        items[i].path = path;
        items[i].model_type = "classifier_binary";
        items[i].run_id = "0195a1b2-7c3d-7e4f-8a9b-0c1d2e3f4a5b";
        items[i].raw_bytes = 1000000 + i;
        items[i].stored_bytes = 300000 + i;
        items[i].can_go = items[i].server_proof = items[i].download_proof = true;
        memcpy(&items[i].content, &i, sizeof i);
        memcpy(&items[i].stored, &i, sizeof i);
    }
    return items;
}

START_TEST(ten_thousand_items_fold)
{
    enum { COUNT = 10000 };
    char(*names)[80] = calloc(2 * COUNT, sizeof *names);
    ck_assert_ptr_nonnull(names);
    InventoryItem *items = many_items(COUNT, names);
    Inventory inventory = {.title = "t", .models_dir = "d", .store = "s", .host = "h", .made_ns = 1, .is_cleanup = true, .items = items};
    Buf page = {0};
    inventory.count = 1000;
    page_of(&inventory, &page);
    size_t small = page.len;
    inventory.count = COUNT;
    has(page_of(&inventory, &page), "<details class=part><summary>9,501 to 10,000, from filings/009500_event_classifier_binary.joblib");
    has(page.data, "<th>filings/009999_event_classifier_binary.joblib<p>");
    lacks(page.data, " open");
    ck_assert_uint_lt((page.len - small) / (COUNT - 1000), 400);
    buf_free(&page);
    free(items);
    free(names);
}
END_TEST

/* --- CSV and JSON ------------------------------------------------------------------------------------------------------------ */

static bool join_row(void *ctx, uint64_t row_number, char *const *fields, const size_t *lengths, size_t count, Err *err)
{
    Buf *out = ctx;
    (void)row_number;
    for (size_t i = 0; i < count; i++)
        if ((fields[i] != NULL && strlen(fields[i]) != lengths[i]) || !buf_text(out, fields[i] != NULL ? fields[i] : "NULL", err) ||
            !buf_text(out, "|", err))
            return false;
    return buf_text(out, "\n", err);
}

static void read_csv(const char *path, Buf *out)
{
    Err err = {0};
    int fd = open(path, O_RDONLY);
    ck_assert_int_ge(fd, 0);
    ck_ok(csvfile_read(fd, path, 10000, join_row, out, NULL, &err));
    close(fd);
}

START_TEST(csv_reads_back)
{
    static const char hostile[] = "=a\"\"b,'\n\x1b\xff";
    Sample sample;
    Buf out = {0};
    Err err = {0};
    char path[300];
    snprintf(path, sizeof path, "%s/report.csv", unit_temp_dir());
    fill(&sample, hostile, "b");
    sample.inventory.count = 4;
    ck_ok(inventory_write_file(&sample.inventory, path, &err));
    read_csv(path, &out);
    ck_assert_str_eq(
        out.data,
        "letter|state|path|name|version|model_type|reason|can_go|raw_bytes|stored_bytes|content_sha256|stored_sha256|created_at|run_id|"
        "server_proof|download_proof|\n"
        "=|can-go|=a\"\"b,'\\x0a\\x1b\\xff|=a\"\"b,'\\x0a\\x1b\\xff|1|=a\"\"b,'\\x0a\\x1b\\xff|NULL|t|10240|1024|"
        "0101010101010101010101010101010101010101010101010101010101010101|6565656565656565656565656565656565656565656565656565656565656565|"
        "2026-03-01T12:00:00.123Z|=a\"\"b,'\\x0a\\x1b\\xff|t|t|\n"
        "=|can-go|=a\"\"b,'\\x0a\\x1b\\xff|b|2|=a\"\"b,'\\x0a\\x1b\\xff|NULL|t|20480|2048|"
        "0101010101010101010101010101010101010101010101010101010101010101|6666666666666666666666666666666666666666666666666666666666666666|"
        "2026-03-01T12:00:00.123Z|=a\"\"b,'\\x0a\\x1b\\xff|t|t|\n"
        "=|must-stay|=a\"\"b,'\\x0a\\x1b\\xff|=a\"\"b,'\\x0a\\x1b\\xff|3|=a\"\"b,'\\x0a\\x1b\\xff|=a\"\"b,'\\x0a\\x1b\\xff|f|30720|3072|"
        "0303030303030303030303030303030303030303030303030303030303030303|6767676767676767676767676767676767676767676767676767676767676767|"
        "2026-03-01T12:00:00.123Z|=a\"\"b,'\\x0a\\x1b\\xff|f|f|\n"
        "+|only-on-disk|=a\"\"b,'\\x0a\\x1b\\xff|=a\"\"b,'\\x0a\\x1b\\xff|NULL|NULL|NULL|f|512|NULL|NULL|NULL|NULL|NULL|f|f|\n");
    buf_free(&out);
    unit_remove_temp();
}
END_TEST

START_TEST(csv_is_a_line_for_each_item)
{
    Sample sample;
    Buf out = {0};
    Err err = {0};
    size_t lines = 0;
    fill(&sample, HOSTILE, "b");
    sample.inventory.is_cleanup = false; /* can_go then means nothing: NULL */
    ck_ok(inventory_csv(&sample.inventory, &out, &err));
    for (size_t i = 0; i < out.len; i++)
        lines += out.data[i] == '\n';
    ck_assert_uint_eq(lines, ITEMS + 1);
    ck_assert(text_utf8_valid(out.data, out.len));
    lacks(out.data, "\"can-go\"");
    has(out.data, ",,10240,");
    buf_free(&out);
}
END_TEST

START_TEST(json_has_every_field)
{
    Sample sample;
    Buf out = {0};
    Err err = {0};
    fill(&sample, "a", "b");
    sample.inventory.items = sample.items + 2;
    sample.inventory.count = 2;
    ck_ok(inventory_json(&sample.inventory, &out, &err));
    ck_assert_str_eq(
        out.data,
        "{\"type\":\"inventory\",\"title\":\"a\",\"models_dir\":\"a\",\"store\":\"a\",\"host\":\"a\",\"made_at\":\"2026-03-01T12:00:00.000Z\","
        "\"is_cleanup\":true,\"older\":1,\"count\":2,\"items\":[\n"
        "{\"type\":\"model\",\"letter\":\"=\",\"state\":\"must-stay\",\"path\":\"a\",\"name\":\"a\",\"version\":3,\"model_type\":\"a\","
        "\"reason\":\"a\",\"can_go\":false,\"raw_bytes\":30720,\"stored\":true,\"stored_bytes\":3072,"
        "\"content_sha256\":\"0303030303030303030303030303030303030303030303030303030303030303\","
        "\"stored_sha256\":\"6767676767676767676767676767676767676767676767676767676767676767\","
        "\"created_at\":\"2026-03-01T12:00:00.123Z\",\"run_id\":\"a\",\"server_proof\":false,\"download_proof\":false},\n"
        "{\"type\":\"model\",\"letter\":\"+\",\"state\":\"only-on-disk\",\"path\":\"a\",\"name\":\"a\",\"version\":null,\"model_type\":null,"
        "\"reason\":null,\"can_go\":false,\"raw_bytes\":512,\"stored\":false}\n]}\n");
    sample.inventory.count = 0;
    buf_clear(&out);
    ck_ok(inventory_json(&sample.inventory, &out, &err));
    has(out.data, "\"count\":0,\"items\":[\n]}\n");
    buf_free(&out);
}
END_TEST

START_TEST(json_of_hostile_strings_is_json)
{
    Sample sample;
    Err err = {0};
    char path[300], command[700];
    fill(&sample, HOSTILE, "b");
    snprintf(path, sizeof path, "%s/report.json", unit_temp_dir());
    ck_ok(inventory_write_file(&sample.inventory, path, &err));
    snprintf(command, sizeof command, "/usr/bin/python3 -c 'import json, sys; assert len(json.load(open(sys.argv[1]))[\"items\"]) == 12' '%s'", path);
    ck_assert_int_eq(system(command), 0);
    unit_remove_temp();
}
END_TEST

/* --- files ------------------------------------------------------------------------------------------------------------------- */

START_TEST(file_is_replaced_as_a_whole)
{
    Sample sample;
    Buf page = {0};
    Err err = {0};
    char path[300], temp[310], victim[310];
    struct stat st;
    fill(&sample, "a", "b");
    snprintf(path, sizeof path, "%s/report.html", unit_temp_dir());
    snprintf(temp, sizeof temp, "%s.tmp", path);
    snprintf(victim, sizeof victim, "%s/victim", unit_temp_dir());
    ck_assert_int_eq(symlink(victim, temp), 0); /* planted: must not be followed */
    umask(027);
    ck_ok(inventory_write_file(&sample.inventory, path, &err));
    ck_assert_int_eq(access(victim, F_OK), -1);
    ck_assert_int_eq(access(temp, F_OK), -1);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_eq(st.st_mode & 07777, 0640);
    ck_assert_int_eq(st.st_size, (off_t)strlen(page_of(&sample.inventory, &page)));
    umask(022);
    ck_ok(inventory_write_file(&sample.inventory, path, &err));
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_eq(st.st_mode & 07777, 0644);
    buf_free(&page);
    unit_remove_temp();
}
END_TEST

START_TEST(file_errors)
{
    Sample sample;
    Err err = {0};
    char path[300];
    fill(&sample, "a", "b");
    ck_fails(inventory_write_file(&sample.inventory, "report.txt", &err), ERR_USAGE, "report.txt");
    ck_assert_msg(strstr(err.hint, ".html") != NULL, "%s", err.hint);
    snprintf(path, sizeof path, "%s/none/report.csv", unit_temp_dir());
    ck_fails(inventory_write_file(&sample.inventory, path, &err), ERR_STOP, "cannot create");
    snprintf(path, sizeof path, "%s/folder.json", unit_temp_dir());
    ck_assert_int_eq(mkdir(path, 0700), 0);
    ck_fails(inventory_write_file(&sample.inventory, path, &err), ERR_STOP, "cannot rename");
    snprintf(path, sizeof path, "%s/folder.json.tmp", unit_temp_dir());
    ck_assert_int_eq(access(path, F_OK), -1);
    unit_remove_temp();
}
END_TEST

/* hostile.html, tame.html (the same with harmless names), long.html (names without a place to break) */
static int write_pages(const char *folder)
{
    char path[4096], name[256];
    Sample sample;
    Err err = {0};
    const char *const pages[][3] = {{"hostile", HOSTILE, HOSTILE "2"}, {"tame", "tame", "tame2"}, {"long", name, name + 1}};
    memset(name, 'W', 255);
    name[255] = '\0';
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        fill(&sample, pages[i][1], pages[i][2]);
        snprintf(path, sizeof path, "%s/%s.html", folder, pages[i][0]);
        if (!inventory_write_file(&sample.inventory, path, &err)) {
            fprintf(stderr, "%s\n", err.text);
            return EXIT_FAILURE;
        }
    }
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    if (argc == 2)
        return write_pages(argv[1]);
    Suite *suite = suite_create("stage/inventory");
    TCase *page = tcase_create("page"), *data = tcase_create("data"), *files = tcase_create("files");
    tcase_add_test(page, hostile_strings_make_no_tag);
    tcase_add_test(page, page_is_clean_utf8_and_asks_for_nothing);
    tcase_add_test(page, page_counts_and_sorts);
    tcase_add_test(page, check_page_speaks_of_differences);
    tcase_add_test(page, good_news_and_nothing);
    tcase_add_test(page, odd_sizes_draw_finite_shapes);
    tcase_add_test(page, same_input_same_page);
    tcase_add_test(page, ten_thousand_items_fold);
    tcase_add_test(data, csv_reads_back);
    tcase_add_test(data, csv_is_a_line_for_each_item);
    tcase_add_test(data, json_has_every_field);
    tcase_add_test(data, json_of_hostile_strings_is_json);
    tcase_add_test(files, file_is_replaced_as_a_whole);
    tcase_add_test(files, file_errors);
    suite_add_tcase(suite, page);
    suite_add_tcase(suite, data);
    suite_add_tcase(suite, files);
    return unit_run(suite);
}
