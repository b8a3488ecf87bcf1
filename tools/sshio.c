/* sshio: one binary with all the tools, chosen by its first argument ("sshio ssh …") or by the name it is called by
 * ("ssh …"). */
#include <string.h>

#include "talk.h"
#include "tools.h"

static const struct tool *const tools[] = { &tool_ssh,         &tool_sshd, &tool_sftp,
                                            &tool_sftp_server, &tool_scp,  &tool_keygen };
#define TOOL_COUNT (sizeof tools / sizeof tools[0])

/* The programs of OpenSSH whose names are not those of the tools. */
static const struct {
    const char *program;
    const char *tool;
} program_names[] = {
    { "ssh-keygen", "keygen" },
};

static const struct tool *find_tool(const char *name)
{
    for (size_t i = 0; i < sizeof program_names / sizeof program_names[0]; i++)
        if (strcmp(program_names[i].program, name) == 0)
            name = program_names[i].tool;
    for (size_t i = 0; i < TOOL_COUNT; i++)
        if (strcmp(tools[i]->name, name) == 0)
            return tools[i];
    return NULL;
}

static void list_tools(FILE *to)
{
    fputs("usage: sshio tool [argument ...]\n\n", to);
    for (size_t i = 0; i < TOOL_COUNT; i++)
        fprintf(to, "  %-12s %s\n", tools[i]->name, tools[i]->summary);
    fputs("\nsshio tool --help says more about each of them.\n", to);
}

static int run(const struct tool *tool, int argc, char **argv)
{
    const char *name = tool->name;
    for (size_t i = 0; i < sizeof program_names / sizeof program_names[0]; i++)
        if (strcmp(program_names[i].tool, name) == 0)
            name = program_names[i].program;
    talk_as(name);
    return tool->run(argc, argv);
}

int main(int argc, char **argv)
{
    const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
    const struct tool *tool = argc > 0 ? find_tool(slash != NULL ? slash + 1 : argv[0]) : NULL;

    if (tool != NULL)
        return run(tool, argc, argv);
    if (argc > 1 && strcmp(argv[1], "--help") == 0) {
        list_tools(stdout);
        return 0;
    }
    if (argc > 1 && strcmp(argv[1], "--version") == 0) {
        printf("sshio %s\n", sshio_version());
        return 0;
    }
    tool = argc > 1 ? find_tool(argv[1]) : NULL;
    if (tool != NULL)
        return run(tool, argc - 1, argv + 1);
    if (argc > 1)
        fprintf(stderr, "sshio: there is no tool \"%s\"\n\n", argv[1]);
    list_tools(stderr);
    return 255;
}
