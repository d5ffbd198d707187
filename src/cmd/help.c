#include "help.h"

#include <string.h>

#include "option_table.h"

/* The cursor is at `column`; text starts at `indent`. No blank ends a line. */
static void print_wrapped(FILE *out, const char *text, int column, int indent, int width)
{
    for (const char *word = text; *word != '\0';) {
        size_t len = strcspn(word, " ");
        if (column > indent && column + 1 + (int)len > width) {
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

static void print_options(FILE *out, unsigned bits)
{
    for (const OptionSpec *spec = option_table; spec->name != NULL; spec++) {
        char head[80], help[512];
        if ((spec->commands & bits) == 0)
            continue;
        snprintf(head, sizeof head, "%c%c%s --%s%s%s", spec->letter != 0 ? '-' : ' ', spec->letter != 0 ? spec->letter : ' ',
                 spec->letter != 0 ? "," : " ", spec->name, spec->value_name != NULL ? "=" : "",
                 spec->value_name != NULL ? spec->value_name : "");
        snprintf(help, sizeof help, "%s%s%s%s", spec->help, spec->default_text != NULL ? " (default " : "",
                 spec->default_text != NULL ? spec->default_text : "", spec->default_text != NULL ? ")" : "");
        bool alone = strlen(head) > 34;
        fprintf(out, "  %s%s", head, alone ? "\n" : "");
        print_wrapped(out, help, alone ? 0 : 2 + (int)strlen(head), 37, 110);
    }
}

void help_print(FILE *out, const CommandChoice *choice)
{
    const Command *command = choice->command;
    bool overview = choice->named[0] == '\0';
    const char *arguments = command != NULL ? command->arguments : "";
    fprintf(out, "Usage: migrate_models_to_db %s [OPTIONS]%s%s\n\n",
            overview ? "[COMMAND]" : command != NULL ? command->words : choice->named, arguments[0] != '\0' ? " " : "", arguments);
    if (overview || command == NULL) {
        fputs("Commands:\n", out);
        for (unsigned i = 0; i < COMMAND_COUNT; i++)
            if (overview || (choice->bits & CMD_BIT(i)) != 0)
                fprintf(out, "  %-10s %-18s %s\n", commands[i].words, commands[i].arguments, commands[i].summary);
        fputc('\n', out);
    }
    fprintf(out, "Options of %s:\n", overview ? command->words : choice->named);
    print_options(out, choice->bits);
    fputs("\nEvery --foo-bar is also the environment variable MIGRATE_MODELS_FOO_BAR.\n"
          "Exit codes: 0 done, 1 error, 2 usage, 3 some models failed, 4 differences, 5 store unreachable,\n"
          "            10 schema, 11 locked, 128+N signal.\n",
          out);
}

void help_print_markdown(FILE *out)
{
    char names[160];
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
}
