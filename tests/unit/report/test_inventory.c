/* With a folder as its argument this program writes the pages that tests/cli/test_report_page.py shows to a browser. */
#include "report/inventory.h"

#include "base/text.h"
#include "../inventory_unit.h"

static const char *page_of(const Inventory *inventory, Buf *out)
{
    Err err = {0};
    buf_clear(out);
    ck_ok(inventory_html(inventory, out, &err));
    return out->data;
}

/* --- escaping ---------------------------------------------------------------------------------------------------------------- */

/* The tags of a page with their attributes; what stands in quotes is left out. */
static void skeleton(const char *page, Buf *out)
{
    Err err = {0};
    char quote = '\0';
    bool inside = false;
    for (const char *s = strstr(page, "</style>"); *s != '\0'; s++) {
        while (strncmp(s, "<wbr>", 5) == 0) /* where a name may break */
            s += 5;
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
    static const char *const outward[] = {
        "http:", "https:", "url(", "src=", "href=", "@import", "<link", "<form", "<iframe", "\xe2\x80\xae"};
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
        "verdict good\">\n<h2>2 of 10 models may go, frees 30.0 KiB</h2>",
        "8 must stay; the reasons are below.",
        "verdict bad",
        "1 model is damaged in the store",
        "<b>a@7</b> a",
        /* on disk: 1..12 times 10 KiB, less numbers 4, 5, 8 and 9, and 519 bytes */
        "On disk</h3><p class=big>10</p><p>521 KiB</p>",
        /* rows: 1..12 times 10 KiB and 1 KiB, less numbers 4 and 8 */
        "In the store</h3><p class=big>10</p><p>66.0 KiB, 10 % of 660 KiB</p>",
        "Can go</h3><p class=big>2</p><p>frees 30.0 KiB</p>",
        "Must stay</h3><p class=big>8</p><p>491 KiB</p>",
        "The store keeps 1 earlier version ",
        "Why models must stay",
        "Damaged in the store<td>a<p class=who>a<td class=n>1<td class=n>70.0 KiB",
        "Only on disk<td>The store does not have it. The next run stores it.<p class=who>a<td class=n>1<td class=n>512 B",
        "What is stored",
        "Size by model type",
        "Growth over versions",
        "<b title=\"a\">a</b><span>10.0 KiB \xe2\x86\x92 120 KiB <em>+1100 %</em>",
        "Duplicates",
        "1 content is stored under several names. One copy of each would save 2.00 KiB in the store and 15.0 KiB on disk.",
        "<code title=0101",
        "<li>a@1<li>b@2</ul><td class=n>10.0 KiB<td class=n>2.00 KiB",
        "All models",
        "</i>Damaged",
        "</i>Differs",
        "</i>Could not",
        "</i>Only on disk",
        "</i>Stored, but must",
        "</i>Only in the store",
        "</i>Can go",
        "<tr><td>=<th>a<p>a@1<td>a<td>10.0 KiB<td>1.00 KiB<td>2026-03-01 12:00<p>a<td><code title=0101",
        "<b>S</b><b>R</b>\n",
        "</i>Earlier versions",
        "<h2 id=runs>Runs",
        "<code>a</code><td>2026-03-01 12:00<td class=n>9",
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
    static const char *const parts[] = {"verdict warn\">\n<h2>5 differences</h2>\n<p>",
                                        "1 damaged, 1 of content, 1 not checked, 1 only on disk, 1 only in the store.",
                                        "Same</h3><p class=big>6</p>", "Differences</h3><p class=big>5</p>", "What is not the same",
                                        "</i>Same"};
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
    has(page_of(&sample.inventory, &page), "verdict good\">\n<h2>2 of 2 models may go");
    sample.inventory.is_cleanup = false;
    has(page_of(&sample.inventory, &page), "verdict good\">\n<h2>The tree and the store agree");
    lacks(page.data, "verdict bad");
    lacks(page.data, "id=why");
    sample.inventory.count = 0;
    has(page_of(&sample.inventory, &page), "Nothing is here");
    lacks(page.data, "id=all");
    buf_free(&page);
}
END_TEST

/* One name's versions with one content are no duplicate, a name with one version does not grow, and what is not on disk need not
 * stay there. */
START_TEST(pictures_leave_out_what_does_not_belong)
{
    Sample sample;
    Buf page = {0};
    fill(&sample, "a", "b");
    for (int i = 0; i < 2; i++)
        sample.items[i] = row(&sample.rows[i], '=', "a", i + 1, 9);
    sample.items[2] = row(&sample.rows[2], '*', "c", 1, 50);
    sample.items[2].path = NULL;
    sample.items[2].is_damaged = true;
    sample.inventory.count = 3;
    page_of(&sample.inventory, &page);
    lacks(page.data, "id=dup");
    has(page.data, "<b title=\"a\">");
    lacks(page.data, "<b title=\"c\">");
    has(page.data, "Must stay</h3><p class=big>2</p><p>180 KiB</p>");
    buf_free(&page);
}
END_TEST

START_TEST(treemap_is_as_large_as_the_bytes)
{
    static const char *const parts[] = {
        "class=map", "<title>a@2, 75.0 KiB</title><rect class=\"c0\" x=\"0.00%\" y=\"0.00%\" width=\"75.00%\" height=\"100.00%\"",
        "<b>a</b><i>@2</i></p><span>75.0 KiB</span>", "<title>a@1, 25.0 KiB</title><rect class=\"c0\" x=\"75.00%\" y=\"0.00%\" width=\"25.00%\" height=\"100.00%\"", "</svg>"};
    Sample sample;
    Buf page = {0};
    fill(&sample, "a", "b");
    sample.items[0] = row(&sample.rows[0], '=', "a", 1, 25);
    sample.items[1] = row(&sample.rows[1], '=', "a", 2, 75);
    sample.items[2] = row(&sample.rows[2], '=', "a", 3, 0); /* nothing to draw */
    sample.inventory.count = 3;
    in_order(page_of(&sample.inventory, &page), parts, sizeof parts / sizeof *parts);
    lacks(page.data, "<title>a@3, ");
    buf_free(&page);
}
END_TEST

/* Thousands of small ones share one field that leaves room for the others. */
START_TEST(treemap_does_not_drown)
{
    enum { MANY = 3000 };
    InventoryItem *items = calloc(MANY, sizeof *items);
    StoredModel *rows = calloc(MANY, sizeof *rows);
    ck_assert(items != NULL && rows != NULL);
    Inventory inventory = {.title = "t", .models_dir = "d", .store = "s", .host = "h", .items = items, .count = MANY};
    Buf page = {0};
    double width = 0, height = 0;
    for (size_t i = 0; i < MANY; i++) {
        items[i] = row(&rows[i], '=', "a", (int32_t)i, 10);
        rows[i].model_type = "regression";
    }
    const char *rest = strstr(page_of(&inventory, &page), "<title>2,941 smaller models, ");
    ck_assert_ptr_nonnull(rest);
    ck_assert_int_eq(sscanf(strstr(rest, " width="), " width=\"%lf%%\" height=\"%lf", &width, &height), 2);
    ck_assert_msg(width * height / 10000 > 0.19 && width * height / 10000 < 0.21, "%f x %f", width, height);
    has(page.data, "2,941 smaller ones");
    has(page.data, "not to scale");
    buf_free(&page);
    free(items);
    free(rows);
}
END_TEST

START_TEST(many_duplicates_fold)
{
    InventoryItem items[240];
    StoredModel rows[240];
    Inventory inventory = {.title = "t", .models_dir = "d", .store = "s", .host = "h", .items = items, .count = 240};
    Buf page = {0};
    for (size_t i = 0; i < 240; i++) {
        items[i] = row(&rows[i], '=', i % 2 == 0 ? "a" : "b", (int32_t)i, 1);
        rows[i].content = digest_of((unsigned char)(i / 2 + 1));
    }
    has(page_of(&inventory, &page), "120 contents are stored under several names");
    has(page.data, "<details><summary>The next 92</summary>");
    has(page.data, "20 more contents have several names");
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
            sample.rows[i].stored_bytes = sizes[i % 3 == 0 ? round / 4 : round % 4];
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
static InventoryItem *many_items(size_t count, char (*names)[80], StoredModel *rows)
{
    InventoryItem *items = calloc(count, sizeof *items);
    ck_assert_ptr_nonnull(items);
    for (size_t i = 0; i < count; i++) {
        char *path = names[2 * i], *name = names[2 * i + 1];
        snprintf(path, 80, "filings/%06zu_event_classifier_binary.joblib", i);
        snprintf(name, 80, "filings/%06zu_event_classifier_binary", i);
        items[i] = row(&rows[i], '=', name, 1, 0);
        items[i].path = path;
        rows[i].model_type = "classifier_binary";
        rows[i].run_id = "0195a1b2-7c3d-7e4f-8a9b-0c1d2e3f4a5b";
        items[i].raw_bytes = 1000000 + i;
        rows[i].stored_bytes = 300000 + i;
        items[i].can_go = items[i].store_proof = items[i].download_proof = true;
        memcpy(&rows[i].content, &i, sizeof i);
        memcpy(&rows[i].stored, &i, sizeof i);
    }
    return items;
}

START_TEST(ten_thousand_items_fold)
{
    enum { COUNT = 10000 };
    char(*names)[80] = calloc(2 * COUNT, sizeof *names);
    ck_assert_ptr_nonnull(names);
    StoredModel *rows = calloc(COUNT, sizeof *rows);
    ck_assert_ptr_nonnull(rows);
    InventoryItem *items = many_items(COUNT, names, rows);
    Inventory inventory = {
        .title = "t", .models_dir = "d", .store = "s", .host = "h", .made_ns = 1, .is_cleanup = true, .items = items};
    Buf page = {0};
    inventory.count = 1000;
    page_of(&inventory, &page);
    size_t small = page.len;
    inventory.count = COUNT;
    has(page_of(&inventory, &page), "<details class=part><summary>9,501 to 10,000, from "
                                    "filings/009500_event_classifier_binary.joblib");
    has(page.data, "<th>filings/009999_<wbr>event_classifier_<wbr>binary.joblib<p>");
    lacks(page.data, " open");
    ck_assert_uint_lt((page.len - small) / (COUNT - 1000), 420);
    buf_free(&page);
    free(items);
    free(rows);
    free(names);
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
    Suite *suite = suite_create("report/inventory");
    TCase *tests = tcase_create("page");
    tcase_add_test(tests, hostile_strings_make_no_tag);
    tcase_add_test(tests, page_is_clean_utf8_and_asks_for_nothing);
    tcase_add_test(tests, page_counts_and_sorts);
    tcase_add_test(tests, check_page_speaks_of_differences);
    tcase_add_test(tests, good_news_and_nothing);
    tcase_add_test(tests, pictures_leave_out_what_does_not_belong);
    tcase_add_test(tests, treemap_is_as_large_as_the_bytes);
    tcase_add_test(tests, treemap_does_not_drown);
    tcase_add_test(tests, many_duplicates_fold);
    tcase_add_test(tests, odd_sizes_draw_finite_shapes);
    tcase_add_test(tests, same_input_same_page);
    tcase_add_test(tests, ten_thousand_items_fold);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
