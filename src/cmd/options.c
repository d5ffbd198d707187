#include "options.h"

#include <ctype.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/nearest.h"
#include "option_table.h"
#include "patterns.h"
#include "store/store.h"

bool options_keep(Options *options, char *copy, Err *err)
{
    char **kept = copy == NULL ? NULL : vec_push(&options->owned, err);
    if (kept == NULL) {
        free(copy);
        return err_no_memory(err);
    }
    *kept = copy;
    return true;
}

bool options_list_add(StringList *list, const char *item, Err *err)
{
    if (!vec_reserve(list, 2, err))
        return false;
    list->items[list->count++] = item;
    list->items[list->count] = NULL;
    return true;
}

static bool wants(Err *err, const OptionSpec *spec, const char *value, const char *what)
{
    return err_set(err, ERR_USAGE, "--%s: %s, not \"%s\"", spec->name, what, value);
}

static bool set_choice(const OptionSpec *spec, const char *value, int64_t *out, Err *err)
{
    char all[256] = "one of";
    for (int64_t i = 0; spec->choices[i] != NULL; i++) {
        if (strcmp(spec->choices[i], value) == 0) {
            *out = i;
            return true;
        }
        size_t used = strlen(all);
        snprintf(all + used, sizeof all - used, "%s %s", i > 0 ? "," : "", spec->choices[i]);
    }
    return wants(err, spec, value, all);
}

/* gzip, gzip:LEVEL or none */
static bool set_codec(const OptionSpec *spec, const char *value, int64_t *out, Err *err)
{
    if (strcmp(value, "none") == 0) {
        *out = 0;
        return true;
    }
    if (strcmp(value, "gzip") == 0) {
        *out = 1;
        return true;
    }
    if (text_starts_with(value, "gzip:") && text_parse_int(value + 5, 1, 9, out))
        return true;
    return wants(err, spec, value, "gzip, gzip:1 … gzip:9 or none");
}

static bool set_number(const OptionSpec *spec, void *field, const char *value, Err *err)
{
    char what[96];
    if (spec->kind == OPTION_INT) {
        snprintf(what, sizeof what, "a whole number from %lld to %lld", (long long)spec->min, (long long)spec->max);
        return text_parse_int(value, spec->min, spec->max, field) || wants(err, spec, value, what);
    }
    if (spec->kind == OPTION_SECONDS) {
        double seconds;
        if (!text_parse_seconds(value, &seconds) || seconds < (double)spec->min || seconds > (double)spec->max)
            return wants(err, spec, value, "a time such as 30, 30s, 500ms or 2m");
        *(double *)field = seconds;
        return true;
    }
    uint64_t bytes;
    char low[24], high[24];
    if (text_parse_bytes(value, &bytes) && bytes >= (uint64_t)spec->min && bytes <= (uint64_t)spec->max) {
        *(uint64_t *)field = bytes;
        return true;
    }
    snprintf(what, sizeof what, "a size from %s to %s, such as 32MiB", text_bytes(low, (uint64_t)spec->min),
             text_bytes(high, (uint64_t)spec->max));
    return wants(err, spec, value, what);
}

static bool set_option(Options *options, const OptionSpec *spec, const char *value, Err *err)
{
    void *field = (char *)options + spec->offset;
    switch (spec->kind) {
    case OPTION_FLAG:
        *(bool *)field = true;
        return true;
    case OPTION_COUNT:
        ++*(int64_t *)field;
        return true;
    case OPTION_STRING:
        if (value[0] == '\0' && !spec->secret)
            return err_set(err, ERR_USAGE, "--%s needs a value: %s", spec->name, spec->value_name);
        *(const char **)field = value;
        return true;
    case OPTION_LIST:
        return options_list_add(field, value, err);
    case OPTION_CHOICE:
        return set_choice(spec, value, field, err);
    case OPTION_CODEC:
        return set_codec(spec, value, field, err);
    case OPTION_INT:
    case OPTION_BYTES:
    case OPTION_SECONDS:
        return set_number(spec, field, value, err);
    }
    return err_set(err, ERR_BUG, "option --%s has no kind", spec->name);
}

static bool takes_value(const OptionSpec *spec)
{
    return spec->kind != OPTION_FLAG && spec->kind != OPTION_COUNT;
}

/* Flags in the environment: 1, true, yes, on, and their opposites; for a count also how often. A list is separated by commas. */
static bool set_from_environment(Options *options, const OptionSpec *spec, const char *value, Err *err)
{
    static const char *const yes[] = {"1", "true", "yes", "on"}, *const no[] = {"0", "false", "no", "off"};
    if (spec->offset == offsetof(Options, pattern)) { /* patterns.c knows its commas */
        options->pattern.from_environment = true;
        return set_option(options, spec, value, err);
    }
    if (spec->kind == OPTION_LIST) {
        char *copy = strdup(value);
        if (!options_keep(options, copy, err))
            return false;
        char *rest = copy;
        for (char *item; (item = strtok_r(rest, ",", &rest)) != NULL;)
            if (!set_option(options, spec, item, err))
                return false;
        ((StringList *)(void *)((char *)options + spec->offset))->from_environment = true;
        return true;
    }
    if (takes_value(spec))
        return set_option(options, spec, value, err);
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        if (strcmp(value, no[i]) == 0)
            return true;
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        if (strcmp(value, yes[i]) == 0)
            return set_option(options, spec, value, err);
    if (spec->kind == OPTION_COUNT && text_parse_int(value, 0, 9, (int64_t *)(void *)((char *)options + spec->offset)))
        return true;
    return wants(err, spec, value, spec->kind == OPTION_COUNT ? "true, false or how often" : "true or false");
}

/* What may carry a password must not be shown, nor become the name of a folder, in whatever place it stands. */
bool options_is_address(const char *word)
{
    static const char key[] = "password";
    if (strstr(word, "://") != NULL)
        return true;
    for (const char *at = word; (at = strstr(at, key)) != NULL;) {
        at += strlen(key);
        if (at[strspn(at, " \t")] == '=')
            return true;
    }
    return false;
}

static bool misplaced(Err *err, const char *what, const char *expected)
{
    err_set(err, ERR_USAGE, "%s%sa database address was given where %s is expected", what, what[0] != '\0' ? ": " : "", expected);
    return err_hint(err, "name the database with -d");
}

static const char *expected_value(const OptionSpec *spec)
{
    return spec->value_name != NULL ? spec->value_name : "no value";
}

static bool read_environment(Options *options, CommandBits bits, Err *err)
{
    for (const OptionSpec *spec = option_table; spec->name != NULL; spec++) {
        char name[64] = "MIGRATE_MODELS_";
        size_t used = strlen(name);
        for (const char *c = spec->name; *c != '\0' && used + 1 < sizeof name; c++)
            name[used++] = *c == '-' ? '_' : (char)toupper((unsigned char)*c);
        name[used] = '\0';
        const char *value = getenv(name);
        if (value == NULL || value[0] == '\0' || spec->no_environment || (spec->commands & bits) == 0)
            continue;
        if (options_is_address(value))
            return misplaced(err, name, expected_value(spec));
        if (!set_from_environment(options, spec, value, err))
            return err_prefix(err, "environment variable %s", name);
    }
    return true;
}

static bool set_defaults(Options *options, Err *err)
{
    for (const OptionSpec *spec = option_table; spec->name != NULL; spec++)
        if (spec->default_text != NULL && spec->kind != OPTION_LIST && !set_option(options, spec, spec->default_text, err))
            return false;
    return true;
}

/* Patterns have defaults only when none was given. */
static bool fill_empty_lists(Options *options, Err *err)
{
    for (const OptionSpec *spec = option_table; spec->name != NULL; spec++) {
        StringList *list = (StringList *)(void *)((char *)options + spec->offset);
        if (list == &options->pattern) {
            if (!patterns_finish(options, spec->default_text, err))
                return false;
            continue;
        }
        if (spec->kind == OPTION_LIST && list->count == 0 && spec->default_text != NULL &&
            !options_list_add(list, spec->default_text, err))
            return false;
    }
    return true;
}

static const OptionSpec *find_long(const char *name, size_t len)
{
    for (const OptionSpec *spec = option_table; spec->name != NULL; spec++)
        if (strlen(spec->name) == len && memcmp(spec->name, name, len) == 0)
            return spec;
    return NULL;
}

static const OptionSpec *find_short(char letter)
{
    for (const OptionSpec *spec = option_table; spec->name != NULL; spec++)
        if (spec->letter == letter)
            return spec;
    return NULL;
}

/* The words of the command line, one at a time. */
typedef struct Words {
    int argc, next;
    char **argv;
    Options *options;
    CommandBits bits;    /* of the command */
    size_t skip;      /* words that name it, still to come */
    CommandBits taken_by; /* the commands of an option that is another one's */
    const OptionSpec *for_help; /* an option that this command takes beside --help only */
} Words;

/* A password must not stay where `ps` shows it: the value is copied, and its bytes in argv are overwritten. */
static const char *take_secret(Words *words, char *value, Err *err)
{
    char *copy = strdup(value);
    if (!options_keep(words->options, copy, err))
        return NULL;
    if (store_target_has_password(copy))
        memset(value, 'x', strlen(value));
    return copy;
}

/* The command line goes before the environment: its first item of a list replaces what came from there. */
static void begin_list(Words *words, const OptionSpec *spec)
{
    StringList *list = (StringList *)(void *)((char *)words->options + spec->offset);
    if (spec->kind == OPTION_LIST && list->from_environment) {
        list->count = 0;
        list->from_environment = false;
    }
}

/* A forgotten -d: the address must not be printed with its password, nor stay where `ps` shows it. */
static bool wipe_misplaced(char *word, const char *what, const char *expected, Err *err)
{
    memset(word, 'x', strlen(word));
    return misplaced(err, what, expected);
}

static bool unknown_option(char *word, int shown, Err *err)
{
    if (options_is_address(word))
        return wipe_misplaced(word, "", "an option", err);
    err_set(err, ERR_USAGE, "unknown option %.*s", shown, word);
    Nearest nearest = nearest_to(word + 2, shown > 2 ? (size_t)shown - 2 : 0);
    for (const OptionSpec *spec = option_table; spec->name != NULL && shown > 2; spec++)
        nearest_try(&nearest, spec->name);
    return nearest.found != NULL ? err_hint(err, "did you mean --%s? --help --all lists every option", nearest.found)
                                 : err_hint(err, "--help --all lists every option");
}

static bool refuse_of_other(Words *words, const OptionSpec *spec, const char *shown, Err *err)
{
    words->taken_by = spec->commands;
    return err_set(err, ERR_USAGE, "%s is not an option of this command", shown);
}

static bool note_given(Options *options, const OptionSpec *spec, const char *value, Err *err)
{
    GivenOption *given = vec_push(&options->given, err);
    if (given != NULL)
        *given = (GivenOption){.spec = spec, .value = value};
    return given != NULL;
}

static bool apply(Words *words, const OptionSpec *spec, const char *shown, char *value, Err *err)
{
    if (value == NULL && takes_value(spec) && words->next < words->argc)
        value = words->argv[words->next++];
    if (value != NULL && !spec->secret && options_is_address(value))
        return wipe_misplaced(value, shown, expected_value(spec), err);
    if ((spec->commands & words->bits) == 0 && spec->with_help)
        words->for_help = spec;
    else if ((spec->commands & words->bits) == 0 && !spec->anywhere)
        return refuse_of_other(words, spec, shown, err);
    if (!takes_value(spec))
        return value == NULL ? set_option(words->options, spec, NULL, err) && note_given(words->options, spec, NULL, err)
                             : err_set(err, ERR_USAGE, "--%s takes no value", spec->name);
    if (value == NULL)
        return err_set(err, ERR_USAGE, "%s needs a value: %s", shown, spec->value_name);
    begin_list(words, spec);
    const char *kept = spec->secret ? take_secret(words, value, err) : value;
    return kept != NULL && set_option(words->options, spec, kept, err) && note_given(words->options, spec, kept, err);
}

static bool parse_long(Words *words, char *word, Err *err)
{
    char *equals = strchr(word, '=');
    size_t len = equals != NULL ? (size_t)(equals - word) - 2 : strlen(word) - 2;
    const OptionSpec *spec = find_long(word + 2, len);
    if (spec == NULL)
        return unknown_option(word, (int)len + 2, err);
    char shown[64];
    snprintf(shown, sizeof shown, "--%s", spec->name);
    return apply(words, spec, shown, equals != NULL ? equals + 1 : NULL, err);
}

static bool parse_short(Words *words, char *word, Err *err)
{
    for (char *letter = word + 1; *letter != '\0'; letter++) {
        const OptionSpec *spec = find_short(*letter);
        char shown[3] = {'-', *letter, '\0'};
        if (spec == NULL)
            return options_is_address(word) ? unknown_option(word, 0, err) : unknown_option(shown, 2, err);
        char *rest = takes_value(spec) && letter[1] != '\0' ? letter + 1 : NULL;
        if (!apply(words, spec, shown, rest, err))
            return false;
        if (takes_value(spec))
            break;
    }
    return true;
}

static bool add_argument(Words *words, char *word, Err *err)
{
    if (options_is_address(word))
        return wipe_misplaced(word, "", words->bits == CMD_BIT(COMMAND_GET) ? "the model" : "the folder", err);
    if (words->skip == 0)
        return options_list_add(&words->options->arguments, word, err);
    words->skip--;
    return true;
}

/* -1 is a number of steps. */
static bool is_option(const char *word)
{
    return word[0] == '-' && word[1] != '\0' && !isdigit((unsigned char)word[1]);
}

static bool parse_words(Words *words, Err *err)
{
    bool only_arguments = false;
    while (words->next < words->argc) {
        char *word = words->argv[words->next++];
        bool ok;
        if (only_arguments || !is_option(word))
            ok = add_argument(words, word, err);
        else if (strcmp(word, "--") == 0)
            ok = only_arguments = true;
        else if (word[1] == '-')
            ok = parse_long(words, word, err);
        else
            ok = parse_short(words, word, err);
        if (!ok)
            return false;
    }
    if (words->for_help != NULL && !words->options->help) {
        char shown[64];
        snprintf(shown, sizeof shown, "--%s", words->for_help->name);
        return refuse_of_other(words, words->for_help, shown, err);
    }
    return true;
}

/* Does this option, as it is written, take the next word as its value? */
static bool takes_next_word(const char *word)
{
    const OptionSpec *spec = NULL;
    if (word[1] == '-') {
        spec = find_long(word + 2, strlen(word) - 2); /* with = it has its value: not found */
        return spec != NULL && takes_value(spec);
    }
    for (const char *letter = word + 1; *letter != '\0'; letter++)
        if ((spec = find_short(*letter)) != NULL && takes_value(spec))
            return letter[1] == '\0';
    return false;
}

const char *options_next_word(int argc, char *const *argv, int *next)
{
    while (*next < argc) {
        const char *word = argv[(*next)++];
        if (!is_option(word))
            return word;
        if (strcmp(word, "--") == 0)
            break;
        *next += takes_next_word(word);
    }
    *next = argc;
    return NULL;
}

bool options_parse(int argc, char **argv, CommandBits bits, size_t skip, Options *out, Err *err)
{
    *out = (Options){0};
    Words words = {.argc = argc, .next = 1, .argv = argv, .options = out, .bits = bits, .skip = skip};
    if (set_defaults(out, err) && read_environment(out, bits, err) && parse_words(&words, err) && fill_empty_lists(out, err))
        return true;
    options_free(out);
    out->taken_by = words.taken_by;
    return false;
}

void options_free(Options *options)
{
    for (size_t i = 0; i < options->owned.count; i++) {
        memset(options->owned.items[i], 0, strlen(options->owned.items[i]));
        free(options->owned.items[i]);
    }
    free(options->owned.items);
    free(options->given.items);
    for (const OptionSpec *spec = option_table; spec->name != NULL; spec++)
        if (spec->kind == OPTION_LIST)
            free(((StringList *)(void *)((char *)options + spec->offset))->items);
    free(options->arguments.items);
    *options = (Options){0};
}
