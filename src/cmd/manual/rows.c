#include "rows.h"

#include <string.h>

ValueKind rows_value_kind(const OptionSpec *spec)
{
    if (spec->value_name == NULL)
        return VALUE_NONE;
    if (spec->choices != NULL)
        return VALUE_CHOICE;
    if (strcmp(spec->value_name, "DIR") == 0)
        return VALUE_FOLDER;
    return strncmp(spec->value_name, "FILE", 4) == 0 || spec->secret ? VALUE_FILE : VALUE_TEXT;
}

CommandBits rows_commands(const OptionSpec *spec)
{
    return spec->anywhere ? CMD_ALL : spec->commands;
}

const char *rows_short_help(char out[160], const OptionSpec *spec)
{
    const char *text = spec->brief != NULL ? spec->brief : spec->help;
    size_t length = strcspn(text, ";(");
    while (length > 0 && text[length - 1] == ' ')
        length--;
    snprintf(out, 160, "%.*s", (int)length, text);
    return out;
}

bool rows_leads_group(unsigned index, int *length)
{
    const char *words = commands[index].words;
    *length = (int)strcspn(words, " ");
    for (unsigned i = 0; i < index; i++)
        if (strcspn(commands[i].words, " ") == (size_t)*length && strncmp(commands[i].words, words, (size_t)*length) == 0)
            return false;
    return true;
}

bool rows_takes_folder(const Command *command)
{
    return (command->needs & NEEDS_TREE) != 0 || strncmp(command->arguments, "BACKUP", 6) == 0;
}

void rows_print_escaped(FILE *out, const char *text, const char *special, const char *escape)
{
    for (const char *c = text; *c != '\0'; c++)
        fprintf(out, "%s%c", strchr(special, *c) != NULL ? escape : "", *c);
}

void rows_print_words(FILE *out, bool second, const char *separator)
{
    const char *between = "";
    for (unsigned i = 0; i < COMMAND_COUNT; i++) {
        int length;
        bool leads = rows_leads_group(i, &length), two = commands[i].words[length] != '\0';
        if (second ? !two : !leads)
            continue;
        fprintf(out, "%s'%s%.*s'", between, second ? "" : " ", second ? (int)strlen(commands[i].words) : length, commands[i].words);
        between = separator;
    }
}
