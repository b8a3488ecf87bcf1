/* SCP: the first byte says which side we are and with which options; the rest is what the other side says. Nothing is
 * written outside the target, nothing stays open, and what we say is lines that we can read ourselves. Each input is
 * also a command line: what that is understood as is said so that it is understood again. */
#include "fuzz.h"

#include "base/memory.h"
#include "scp/command.h"
#include "scp/memory_files.h"
#include "scp_bed.h"

#define SAYS_MAX 4096u

static struct memory_files files;

static void check_tree(void)
{
    for (size_t i = 0; i < files.count; i++) {
        const char *path = files.nodes[i].path;
        must(strncmp(path, "to", 2) == 0 && (path[2] == '/' || path[2] == '\0'));
        must(strstr(path, "/../") == NULL && strstr(path, "//") == NULL && strchr(path, '\\') == NULL);
    }
}

static void run_sink(struct scp_job *job, struct memory_wire *wire, uint8_t options)
{
    if ((options & 16) != 0)
        memory_add_directory(&files, "to");
    job->asked = (options & 32) != 0 ? "dir/f*" : NULL;
    scp_sink_run(job, "to");
    check_tree();
    check_answers(writer_span(&wire->out));
}

static void run_source(struct scp_job *job)
{
    memory_add_directory(&files, "d");
    memory_add_file(&files, "d/f", "content");
    memory_add_directory(&files, "d/sub");
    memory_add_file(&files, "d/sub/short", "content")->short_by_one = true;
    memory_add_file(&files, "g", "");
    if (scp_source_begin(job) == 0 && scp_source_send(job, "d") == 0)
        scp_source_send(job, "g");
}

static void run_job(uint8_t options, struct span says)
{
    struct memory_wire wire;
    struct scp_job job;
    memory_files_init(&files);
    memory_wire_init(&wire, says);
    must(scp_job_init(&job, &wire.wire, &files.files, 512) == 0);
    job.failed = (options & 2) != 0 ? go_on : stop;
    job.recurse = (options & 4) != 0;
    job.preserve = (options & 8) != 0;
    if ((options & 1) != 0)
        run_sink(&job, &wire, options);
    else
        run_source(&job);
    must(files.open == 0);
    scp_job_done(&job);
    memory_wire_done(&wire);
    memory_files_done(&files);
}

static void run_command(const char *text)
{
    struct scp_command command = { 0 }, again = { 0 };
    char *said = NULL;
    if (scp_command_parse(text, &command, NULL) != 0)
        return;
    if (scp_command_format(&command, SSHIO_SCP_QUOTE_FULL, &said, NULL) == 0) {
        must(scp_command_is_one(said) && scp_command_parse(said, &again, NULL) == 0);
        must(command.path[0] == '-' ? strcmp(again.path + 2, command.path) == 0
                                    : strcmp(again.path, command.path) == 0);
        must(again.sink == command.sink && again.recurse == command.recurse && again.preserve == command.preserve);
    }
    mem_free(said);
    mem_free(command.path);
    mem_free(again.path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > SAYS_MAX)
        return 0;
    char *text = span_dup_text(SPAN(data, size));
    run_job(data[0], SPAN(data + 1, size - 1));
    if (text != NULL)
        run_command(text);
    mem_free(text);
    return 0;
}
