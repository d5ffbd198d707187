#include "flow/cleanup_plan.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include "base/atomic_file.h"
#include "base/fs.h"
#include "../unit.h"

/* As version 0.1.0 wrote it, and as it is now. */
#define COLUMNS \
    "action,path,kind,name,version,raw_bytes,content_sha256,stored_sha256,stored_at,run_id,dev,ino,size,mtime_ns,ctime_ns,reason"
#define HEADER COLUMNS "\n"
#define NEW_HEADER COLUMNS ",members_sha256,readers_get,store\n"
#define STORE "ed552b5f-ff82-d73a-d71c-d9c0e1f23127"
#define HEX64 "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define GOOD "delete,a.joblib,file,a,1,5," HEX64 "," HEX64 ",,,1,2,5,7,8,\n"

static Err err;
static char file[300];

static void setup(void)
{
    err = (Err){0};
    snprintf(file, sizeof file, "%s/plan.csv", unit_temp_dir());
}

static void write_text(const char *text, size_t len)
{
    ck_ok(atomic_file_put(file, 0600, text, len, &err));
}

static CleanupLine line_of(const char *path)
{
    CleanupLine line = {.delete_it = true,
                        .path = path,
                        .has_row = true,
                        .row = {.name = "n",
                                .version = INT32_MAX,
                                .raw_bytes = UINT64_MAX,
                                .run_id = "0198c0de-0000-7000-8000-000000000001"},
                        .reason = "",
                        .stamp = {.dev = UINT64_MAX, .ino = 1, .size = 3, .mtime_ns = INT64_MIN, .ctime_ns = INT64_MAX}};
    for (size_t i = 0; i < DIGEST_BYTES; i++) {
        line.row.content.byte[i] = (unsigned char)i;
        line.row.stored.byte[i] = (unsigned char)(255 - i);
    }
    return line;
}

START_TEST(test_round_trip)
{
    static const char *const paths[] = {"a.joblib",
                                        "quote\"s, and\nlines",
                                        "%41 \t per%cent",
                                        "caf\xe9",
                                        "=1+1",
                                        ("\xef\xbb\xbf"
                                         "bom"),
                                        "x/y/z"};
    size_t count = sizeof paths / sizeof *paths;
    CleanupPlan plan = {0}, read = {0};
    struct stat st;
    for (size_t i = 0; i < count; i++) {
        CleanupLine line = line_of(paths[i]);
        line.delete_it = i % 2 == 0;
        line.is_directory = i == 3;
        line.row.is_tar = line.row.has_members = line.is_directory;
        line.row.members.byte[0] = 7;
        line.stamp.ino = i;
        line.reason = i == 1 ? "because\nof \xff that" : "";
        ck_ok(cleanup_plan_add(&plan, &line, &err));
    }
    strcpy(plan.store, STORE);
    ck_ok(cleanup_plan_write(&plan, file, &err));
    ck_assert_int_eq(stat(file, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0600);
    ck_ok(cleanup_plan_read(file, &read, &err));
    ck_assert_uint_eq(read.count, count);
    ck_assert_str_eq(read.store, STORE);
    for (size_t i = 0; i < count; i++) {
        const CleanupLine *line = &read.lines[i], *was = &plan.lines[i];
        ck_assert_str_eq(line->path, paths[i]);
        ck_assert_uint_eq(strmap_get(&read.by_path, paths[i]), i);
        ck_assert(line->delete_it == was->delete_it && line->is_directory == was->is_directory && line->has_row);
        ck_assert(stamp_is(&line->stamp, &was->stamp, 0) && digest_equal(&line->row.content, &was->row.content) &&
                  digest_equal(&line->row.stored, &was->row.stored));
        ck_assert(line->row.is_tar == line->is_directory && line->row.has_members == line->is_directory);
        ck_assert(!line->row.has_members || digest_equal(&line->row.members, &was->row.members));
        ck_assert_uint_eq(line->row.raw_bytes, UINT64_MAX);
        ck_assert_str_eq(line->row.name, "n");
        ck_assert_int_eq(line->row.version, line->delete_it ? INT32_MAX : VERSION_AUTO);
    }
    cleanup_plan_free(&plan);
    cleanup_plan_free(&read);
}
END_TEST

/* One row a line, in UTF-8, whatever paths and reasons hold. */
START_TEST(test_one_row_is_one_line)
{
    CleanupPlan plan = {0};
    CleanupLine line = line_of("new\nline \xff");
    Buf text = {0};
    line.reason = "it\nis \xff so";
    ck_ok(cleanup_plan_add(&plan, &line, &err));
    ck_ok(cleanup_plan_write(&plan, file, &err));
    ck_ok(fs_read_file(file, 10000, &text, &err));
    size_t lines = 0;
    for (size_t i = 0; i < text.len; i++) {
        ck_assert(((unsigned char)text.data[i] >= 0x20 && (unsigned char)text.data[i] < 0x7f) || text.data[i] == '\n');
        lines += text.data[i] == '\n';
    }
    ck_assert_uint_eq(lines, 2);
    ck_assert_int_eq(strncmp(text.data, NEW_HEADER, strlen(NEW_HEADER)), 0);
    buf_free(&text);
    cleanup_plan_free(&plan);
}
END_TEST

START_TEST(test_keep_line_without_a_row)
{
    CleanupPlan plan = {0}, read = {0};
    CleanupLine line = line_of("x");
    line.delete_it = line.has_row = false;
    line.row.name = line.row.run_id = "";
    line.row.version = VERSION_AUTO;
    ck_ok(cleanup_plan_add(&plan, &line, &err));
    ck_ok(cleanup_plan_write(&plan, file, &err));
    ck_ok(cleanup_plan_read(file, &read, &err));
    ck_assert(read.count == 1 && !read.lines[0].delete_it && !read.lines[0].has_row);
    cleanup_plan_free(&plan);
    cleanup_plan_free(&read);
}
END_TEST

START_TEST(test_plan_of_an_earlier_version)
{
    CleanupPlan read = {0};
    static const char text[] = HEADER "delete,a,directory,a,1,5," HEX64 "," HEX64 ",\"\",\"\",1,2,5,7,8,\"\"\n";
    write_text(text, strlen(text));
    ck_ok(cleanup_plan_read(file, &read, &err));
    ck_assert(read.count == 1 && read.lines[0].delete_it && read.lines[0].row.is_tar && !read.lines[0].row.has_members);
    ck_assert_str_eq(read.store, "");
    cleanup_plan_free(&read);
}
END_TEST

static const char *const bad[] = {
    "", "\n", "x\n", GOOD, "a,b\n" GOOD,
    HEADER "delete,a\n",
    HEADER GOOD GOOD,
    HEADER "delete,a.joblib,file,a,1,5," HEX64 "," HEX64 ",,,1,2,5,7,8\n",
    HEADER "delete,a.joblib,file,a,1,5," HEX64 "," HEX64 ",,,1,2,5,7,8,,\n",
    HEADER "remove,a.joblib,file,a,1,5," HEX64 "," HEX64 ",\"\",\"\",1,2,5,7,8,\"\"\n",
    HEADER "delete,a.joblib,link,a,1,5," HEX64 "," HEX64 ",\"\",\"\",1,2,5,7,8,\"\"\n",
    HEADER "delete,\"\",file,a,1,5," HEX64 "," HEX64 ",\"\",\"\",1,2,5,7,8,\"\"\n",
    HEADER "delete,a%00b,file,a,1,5," HEX64 "," HEX64 ",\"\",\"\",1,2,5,7,8,\"\"\n",
    HEADER "delete,a%4,file,a,1,5," HEX64 "," HEX64 ",\"\",\"\",1,2,5,7,8,\"\"\n",
    HEADER "delete,a.joblib,file,\"\",1,5," HEX64 "," HEX64 ",\"\",\"\",1,2,5,7,8,\"\"\n",
    HEADER "delete,a.joblib,file,a,-1,5," HEX64 "," HEX64 ",\"\",\"\",1,2,5,7,8,\"\"\n",
    HEADER "delete,a.joblib,file,a,2147483648,5," HEX64 "," HEX64 ",\"\",\"\",1,2,5,7,8,\"\"\n",
    HEADER "delete,a.joblib,file,a,1,5,\"\"," HEX64 ",\"\",\"\",1,2,5,7,8,\"\"\n",
    HEADER "delete,a.joblib,file,a,1,5," HEX64 "0," HEX64 ",\"\",\"\",1,2,5,7,8,\"\"\n",
    HEADER "delete,a.joblib,file,a,1,5," HEX64 ",zz,\"\",\"\",1,2,5,7,8,\"\"\n",
    HEADER "delete,a.joblib,file,a,1,-5," HEX64 "," HEX64 ",\"\",\"\",1,2,5,7,8,\"\"\n",
    HEADER "delete,a.joblib,file,a,1,5," HEX64 "," HEX64 ",\"\",\"\",18446744073709551616,2,5,7,8,\"\"\n",
    HEADER "delete,a.joblib,file,a,1,5," HEX64 "," HEX64 ",\"\",\"\",1,+2,5,7,8,\"\"\n",
    HEADER "delete,a.joblib,file,a,1,5," HEX64 "," HEX64 ",\"\",\"\",1,2,5x,7,8,\"\"\n",
    HEADER "delete,a.joblib,file,a,1,5," HEX64 "," HEX64 ",\"\",\"\",1,2,5, 7,8,\"\"\n",
    HEADER "delete,a.joblib,file,a,1,5," HEX64 "," HEX64 ",\"\",\"\",1,2,5,7,--8,\"\"\n",
    HEADER "delete,a.joblib,file,a,1,5," HEX64 "," HEX64 ",\"\",\"\",1,2,5,7,8,\"\"", /* torn */
    HEADER "delete,a.joblib,file,a,1,5," HEX64 "," HEX64 ",\"\",\"\",1,2,5,7,8,\"open\n",
    HEADER "delete,\"a\"b,file\n",
    NEW_HEADER GOOD,
    NEW_HEADER "delete,a,file,a,1,5," HEX64 "," HEX64 ",\"\",\"\",1,2,5,7,8,\"\",\"7\",\"\",\"\"\n",
    NEW_HEADER "delete,a,file,a,1,5," HEX64 "," HEX64 ",\"\",\"\",1,2,5,7,8,\"\",\"\",\"\",\"" STORE "0\"\n",
    NEW_HEADER "delete,a,file,a,1,5," HEX64 "," HEX64 ",\"\",\"\",1,2,5,7,8,\"\",\"\",\"\",\"" STORE "\"\n" /* two stores */
               "delete,b,file,a,1,5," HEX64 "," HEX64 ",\"\",\"\",1,2,5,7,8,\"\",\"\",\"\",\"\"\n",
};

START_TEST(test_bad_files)
{
    CleanupPlan plan = {.count = 77};
    write_text(bad[_i], strlen(bad[_i]));
    ck_fails(cleanup_plan_read(file, &plan, &err), ERR_USAGE, file);
    ck_assert_msg(err.remedy == REMEDY_NEW_PLAN, "%s", err.text);
    ck_assert_uint_eq(plan.count, 77);
}
END_TEST

START_TEST(test_no_file)
{
    CleanupPlan plan = {0};
    unlink(file);
    ck_fails(cleanup_plan_read(file, &plan, &err), ERR_USAGE, "No such file");
}
END_TEST

/* Cut anywhere, the file is refused, or is a plan of its first lines. */
START_TEST(test_cut_anywhere)
{
    static const char whole[] = HEADER "\"delete\",\"a\",\"file\",\"a\",1,5,\"" HEX64 "\",\"" HEX64 "\",\"\",\"\",1,2,5,7,8,\"\"\n"
                                       "\"keep\",\"b\",\"file\",\"\",0,5,\"\",\"\",\"\",\"\",1,2,5,7,8,\"why\"\n";
    size_t second = (size_t)(strstr(whole, "\"keep\"") - whole), head = strlen(HEADER);
    for (size_t len = 0; len < strlen(whole); len++) {
        CleanupPlan plan = {0};
        write_text(whole, len);
        bool ok = cleanup_plan_read(file, &plan, &err);
        ck_assert_msg(ok == (len == second || len == head), "cut at %zu", len);
        ck_assert_uint_eq(plan.count, ok && len == second);
        cleanup_plan_free(&plan);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("flow/cleanup_plan");
    TCase *tc = tcase_create("plan");
    tcase_add_checked_fixture(tc, setup, unit_remove_temp);
    tcase_add_test(tc, test_round_trip);
    tcase_add_test(tc, test_one_row_is_one_line);
    tcase_add_test(tc, test_keep_line_without_a_row);
    tcase_add_test(tc, test_plan_of_an_earlier_version);
    tcase_add_loop_test(tc, test_bad_files, 0, (int)(sizeof bad / sizeof *bad));
    tcase_add_test(tc, test_no_file);
    tcase_add_test(tc, test_cut_anywhere);
    suite_add_tcase(suite, tc);
    return unit_run(suite);
}
