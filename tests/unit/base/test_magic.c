#include "base/magic.h"

#include "../unit.h"

typedef struct Head {
    const char *bytes;
    size_t len;
} Head;

#define H(text) {text, sizeof(text) - 1}

static const Head compressed[] = {
    H("\x1f\x8b\x08\0\0\0\0\0"),
    H("\x78\x01\xed\xbd"),
    H("\x78\x5e\xed\xbd"),
    H("\x78\x9c\xed\xbd"),
    H("\x78\xda\xed\xbd"),
    H("BZh91AY&SY"),
    H("\xfd\x37zXZ\0\0\x04"),
    H("\x5d\0\0\x80\0\xff\xff"),
    H("\x04\x22\x4d\x18\x64\x40"),
    H("\x28\xb5\x2f\xfd\x24\x05"),
    H("\x1f\x8b"),
    H("\x78\x9c"),
    H("\x28\xb5\x2f\xfd"),
};

static const Head plain[] = {
    H(""),
    H("\x1f"),
    H("\x78"),
    H("\xfd\x37zX"),
    H("\x04\x22\x4d"),
    H("\x28\xb5\x2f"),
    H("\x80\x04\x95\x12\0\0\0\0\0\0\0"), /* pickle, protocol 4 */
    H("\x80\x02}q\0."),
    H("(lp0\n."),
    H("]q\0."), /* protocols 2, 0 and 1 */
    H("x,y\n1,2\n"),
    H("xgboost"),
    H("\x78\x00"),
    H("\x78\x02"),
    H("PK\x03\x04"),
    H("\x89HDF\r\n\x1a\n"),
    H("\0\x1f\x8b\x08"),
    H("{\"a\": 1}"),
};

START_TEST(test_compressed)
{
    ck_assert(magic_is_compressed(compressed[_i].bytes, compressed[_i].len));
}
END_TEST

START_TEST(test_plain)
{
    ck_assert(!magic_is_compressed(plain[_i].bytes, plain[_i].len));
}
END_TEST

START_TEST(test_lfs_pointer)
{
    static const char pointer[] = "version https://git-lfs.github.com/spec/v1\n"
                                  "oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n";
    char large[2000];
    memset(large, '\n', sizeof large);
    memcpy(large, pointer, sizeof pointer - 1);
    ck_assert(magic_is_lfs_pointer(pointer, sizeof pointer - 1));
    ck_assert(magic_is_lfs_pointer(large, 1000));
    ck_assert(!magic_is_lfs_pointer(large, 1100)); /* no pointer is that long */
    ck_assert(!magic_is_lfs_pointer(pointer, 20));
    ck_assert(!magic_is_lfs_pointer("", 0));
    static const char *const older[] = {"version https://hawser.github.com/spec/v1\noid sha256:4d7a\nsize 1\n",
                                        "version http://git-media.io/v/2\noid sha256:4d7a\nsize 1\n"};
    for (size_t i = 0; i < 2; i++)
        ck_assert(magic_is_lfs_pointer(older[i], strlen(older[i])));
    ck_assert(!magic_is_lfs_pointer("version https://example.org/spec/v1 and something more than that\n", 60));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("base_magic");
    TCase *tc = tcase_create("magic");
    tcase_add_loop_test(tc, test_compressed, 0, (int)(sizeof compressed / sizeof *compressed));
    tcase_add_loop_test(tc, test_plain, 0, (int)(sizeof plain / sizeof *plain));
    tcase_add_test(tc, test_lfs_pointer);
    suite_add_tcase(suite, tc);
    return unit_run(suite);
}
