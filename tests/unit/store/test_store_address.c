#include "../../../src/store/postgres/session/address.h"

#include "../unit.h"

static PostgresAddresses addresses_of(const char *host, const char *hostaddr, size_t index)
{
    PostgresTarget target = {.base = {.label = (char[]){"label"}}, .host = strdup(host), .hostaddr = strdup(hostaddr)};
    PostgresAddresses found;
    Err err = {0};
    ck_ok(postgres_addresses(&target, index, &found, &err));
    free(target.host);
    free(target.hostaddr);
    return found;
}

static void check_one(const char *host, const char *hostaddr, size_t index, const char *expected)
{
    PostgresAddresses found = addresses_of(host, hostaddr, index);
    ck_assert_uint_eq(found.count, 1);
    ck_assert_str_eq(found.text[0], expected);
}

START_TEST(of_each_host)
{
    check_one("127.0.0.2", "", 0, "127.0.0.2");
    check_one("::0001", "", 0, "::1");
    check_one("127.0.0.2,127.0.0.3", "", 1, "127.0.0.3");
    check_one("10.0.0.1,,127.0.0.3", "", 2, "127.0.0.3");
}
END_TEST

START_TEST(left_to_libpq)
{
    check_one("", "", 0, "");
    check_one("/run/postgresql", "", 0, "");
    check_one("@abstract", "", 0, "");
    check_one("no-such-host.invalid", "10.0.0.1", 0, "");
    check_one("127.0.0.2,no-such-host.invalid", ",10.0.0.1", 1, "");
    check_one("127.0.0.2,no-such-host.invalid", ",10.0.0.1", 0, "127.0.0.2");
    check_one("127.0.0.2,/run/postgresql", "", 1, "");
}
END_TEST

START_TEST(unknown)
{
    PostgresTarget target = {
        .base = {.label = (char[]){"label"}}, .host = (char[]){"no-such-host.invalid"}, .hostaddr = (char[]){""}};
    PostgresAddresses found;
    Err err;
    ck_fails(postgres_addresses(&target, 0, &found, &err), ERR_RETRY,
             "label: no address is known for the host \"no-such-host.invalid\"");
    ck_assert_ptr_nonnull(strstr(err.hint, "name of the host"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("port/store address");
    TCase *tcase = tcase_create("address");
    tcase_set_timeout(tcase, 60); /* a resolver takes its time */
    tcase_add_test(tcase, of_each_host);
    tcase_add_test(tcase, left_to_libpq);
    tcase_add_test(tcase, unknown);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
