#include "help.h"

#include <string.h>

#include "base/program.h"
#include "option_table.h"
#include "port/csvfile.h"
#include "port/gzip.h"
#include "port/json.h"
#include "port/sha256.h"
#include "port/tar.h"
#include "store/library.h"

#define WIDTH 80
#define COMMAND_INDENT 12  /* where the summary of a command begins */
#define FULL_INDENT 38     /* the same, behind its arguments */
#define OPTION_INDENT 33

/* The cursor is at `column`; text starts at `indent`. No blank ends a line. */
static void print_wrapped(FILE *out, const char *text, int column, int indent)
{
    for (const char *word = text; *word != '\0';) {
        size_t len = strcspn(word, " ");
        if (column > indent && column + 1 + (int)len > WIDTH) {
            fputc('\n', out);
            column = 0;
        }
        int blanks = column < indent ? indent - column : column > indent ? 1 : 0;
        fprintf(out, "%*s%.*s", blanks, "", (int)len, word);
        column += blanks + (int)len;
        word += len + strspn(word + len, " ");
    }
    fputc('\n', out);
}

/* `head` two columns from the left, the text at `indent`, on the next line when the head reaches that far. */
static void print_entry(FILE *out, const char *head, const char *text, int indent)
{
    bool alone = (int)strlen(head) + 3 > indent;
    fprintf(out, "  %s%s", head, alone ? "\n" : "");
    print_wrapped(out, text, alone ? 0 : 2 + (int)strlen(head), indent);
}

/* --- options ----------------------------------------------------------------------------------------------------------------- */

static void print_option(FILE *out, const OptionSpec *spec, bool brief, bool name_commands)
{
    char head[80], help[768], names[COMMANDS_NAMES_SIZE];
    snprintf(head, sizeof head, "%c%c%s --%s%s%s", spec->letter != 0 ? '-' : ' ', spec->letter != 0 ? spec->letter : ' ',
             spec->letter != 0 ? "," : " ", spec->name, spec->value_name != NULL ? "=" : "",
             spec->value_name != NULL ? spec->value_name : "");
    bool has_default = spec->default_text != NULL && !brief;
    int used = snprintf(help, sizeof help, "%s%s%s%s", brief ? spec->brief : spec->help, has_default ? " (default " : "",
                        has_default ? spec->default_text : "", has_default ? ")" : "");
    if (name_commands && spec->commands != CMD_ALL && used < (int)sizeof help)
        snprintf(help + used, sizeof help - (size_t)used, " [%s]", commands_names(names, spec->commands));
    print_entry(out, head, help, OPTION_INDENT);
}

/* What every command takes that works on one store. */
static bool is_common(const OptionSpec *spec)
{
    return (spec->commands | CMD_BIT(COMMAND_COPY)) == CMD_ALL;
}

/* Does this page show it? The page of a command names the common ones only, but for the database; that of a group has what all its
 * commands take. */
static bool is_shown(const OptionSpec *spec, const CommandChoice *choice, bool overview, bool all)
{
    if (all)
        return overview || (spec->commands & choice->bits) != 0;
    bool wanted = overview ? is_common(spec) : !is_common(spec) || spec->secret;
    CommandBits taken = spec->commands & choice->bits;
    return wanted && spec->brief != NULL && (choice->command == NULL && !overview ? taken == choice->bits : taken != 0);
}

static void print_common_names(FILE *out)
{
    char names[160] = "";
    size_t used = 0;
    for (const OptionSpec *spec = option_table; spec->name != NULL && used < sizeof names; spec++)
        if (spec->brief != NULL && is_common(spec) && !spec->secret)
            used += (size_t)snprintf(names + used, sizeof names - used, "%s--%s", used > 0 ? ", " : "", spec->name);
    print_entry(out, "and", names, COMMAND_INDENT);
}

static void print_options(FILE *out, const CommandChoice *choice, bool overview, bool all)
{
    fprintf(out, "\nOptions%s%s:\n", overview ? "" : " of ", overview ? "" : choice->named);
    for (const OptionSpec *spec = option_table; spec->name != NULL; spec++)
        if (is_shown(spec, choice, overview, all))
            print_option(out, spec, !all, overview && all);
    if (!overview && !all)
        print_common_names(out);
}

/* --- commands ---------------------------------------------------------------------------------------------------------------- */

static void print_full_commands(FILE *out, CommandBits bits)
{
    fputs("\nCommands:\n", out);
    for (unsigned i = 0; i < COMMAND_COUNT; i++) {
        char head[96];
        const char *arguments = commands[i].arguments;
        snprintf(head, sizeof head, "%s%s%s", commands[i].words, arguments[0] != '\0' ? " " : "", arguments);
        if ((bits & CMD_BIT(i)) != 0)
            print_entry(out, head, commands[i].summary, FULL_INDENT);
    }
}

/* A line for each of those that everybody needs; the others by name. */
static void print_commands(FILE *out)
{
    CommandBits others = 0;
    char names[COMMANDS_NAMES_SIZE];
    fputs("\nCommands:\n", out);
    for (unsigned i = 0; i < COMMAND_COUNT; i++) {
        if (commands[i].is_everyday)
            print_entry(out, commands[i].words, commands[i].summary, COMMAND_INDENT);
        else
            others |= CMD_BIT(i);
    }
    print_entry(out, "and", commands_names(names, others), COMMAND_INDENT);
}

static void print_examples(FILE *out, const char *const *examples, size_t count)
{
    fputs(count > 0 ? "\nExamples:\n" : "", out);
    for (size_t i = 0; i < count; i++)
        fprintf(out, "  " PROGRAM_NAME " %s\n", examples[i]);
}

/* Of a group: the first of its commands' examples, at most two. */
static void print_group_examples(FILE *out, CommandBits bits)
{
    const char *examples[2];
    size_t count = 0;
    for (unsigned i = 0; i < COMMAND_COUNT && count < 2; i++)
        if ((bits & CMD_BIT(i)) != 0)
            examples[count++] = commands[i].examples[0];
    print_examples(out, examples, count);
}

static void print_environment_and_codes(FILE *out)
{
    char text[1024] = "Every --foo-bar is also the environment variable MIGRATE_MODELS_FOO_BAR, but not";
    size_t used = strlen(text);
    for (const OptionSpec *spec = option_table; spec->name != NULL && used < sizeof text; spec++)
        if (spec->no_environment)
            used += (size_t)snprintf(text + used, sizeof text - used, " --%s", spec->name);
    fputc('\n', out);
    print_wrapped(out, text, 0, 0);
    fputs("Exit codes: 0 done, 1 error, 2 usage, 3 some models failed, 4 differences,\n"
          "            5 store unreachable, 10 schema, 11 locked, 128+N signal.\n",
          out);
}

void help_print(FILE *out, const CommandChoice *choice, bool all)
{
    const Command *command = choice->command;
    bool overview = choice->named[0] == '\0', group = command == NULL;
    const char *arguments = group ? "" : overview ? "[ARGUMENTS]" : command->arguments;
    fprintf(out, "Usage: " PROGRAM_NAME " %s%s [OPTIONS]%s%s\n", overview ? "[COMMAND]" : choice->named, group ? " COMMAND" : "",
            arguments[0] != '\0' ? " " : "", arguments);
    if (overview)
        print_examples(out, overview_examples, 2);
    else if (group)
        print_group_examples(out, choice->bits);
    else
        print_examples(out, command->examples, 2);
    if (group || (overview && all))
        print_full_commands(out, group ? choice->bits : CMD_ALL);
    else if (overview)
        print_commands(out);
    print_options(out, choice, overview, all);
    if (all)
        print_environment_and_codes(out);
    else
        fprintf(out, "\n%s--help --all: every option, and the exit codes.\n", overview ? "COMMAND --help: one command. " : "");
}

void help_print_markdown(FILE *out)
{
    char names[COMMANDS_NAMES_SIZE];
    fputs("| option | commands | default | meaning |\n|---|---|---|---|\n", out);
    for (const OptionSpec *spec = option_table; spec->name != NULL; spec++) {
        fputs("| `", out);
        if (spec->letter != 0)
            fprintf(out, "-%c, ", spec->letter);
        fprintf(out, "--%s", spec->name);
        if (spec->value_name != NULL) {
            fputc(' ', out);
            for (const char *c = spec->value_name; *c != '\0'; c++)
                fprintf(out, "%s%c", *c == '|' ? "\\" : "", *c);
        }
        const char *quote = spec->default_text != NULL ? "`" : "";
        fputs("` | ", out);
        fputs(spec->commands == CMD_ALL ? "all" : commands_names(names, spec->commands), out);
        fprintf(out, " | %s%s%s | %s |\n", quote, spec->default_text != NULL ? spec->default_text : "", quote, spec->help);
    }
    const char *separator = "\nOnly on the command line, with no environment variable: ";
    for (const OptionSpec *spec = option_table; spec->name != NULL; spec++) {
        if (!spec->no_environment)
            continue;
        fprintf(out, "%s`--%s`", separator, spec->name);
        separator = ", ";
    }
    fputs(".\n", out);
}

void help_print_version(FILE *out, bool libraries)
{
    static void (*const ports[])(char *, size_t) = {tar_library, gzip_library, sha256_library, csvfile_library, json_line_library};
    char library[96];
    fputs(PROGRAM_NAME " " PROGRAM_VERSION "\n", out);
    for (size_t i = 0; libraries && store_library(i, library, sizeof library); i++)
        fprintf(out, "%s\n", library);
    for (size_t i = 0; libraries && i < sizeof ports / sizeof *ports; i++) {
        ports[i](library, sizeof library);
        fprintf(out, "%s\n", library);
    }
}
