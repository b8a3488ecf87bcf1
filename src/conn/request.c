/* Questions and their answers; see request.h. An answer replaces an earlier one to the same question; one that is not
 * fit, or finds no memory, leaves none. */
#include "conn/request.h"

#include <string.h>

#include "base/limits.h"
#include "base/memory.h"
#include "conn/key_files.h"
#include "io/last_error.h"

void request_init(sshio_request *req, sshio_conn *conn, enum request_takes takes)
{
    *req = (sshio_request){ .conn = conn, .takes = takes };
}

void request_done(sshio_request *req)
{
    texts_done(&req->texts);
    mem_free(req->echo);
    key_files_free(req->keys);
    req->echo = NULL;
    req->keys = NULL;
    req->answered = false;
}

int request_verdict(const sshio_request *req, int verdict)
{
    if (verdict < 0 || verdict == SSHIO_DEFAULT)
        return verdict;
    return verdict == SSHIO_ANSWERED && req->answered ? 1 : 0;
}

sshio_conn *sshio_request_conn(sshio_request *req)
{
    return req->conn;
}

int request_begin_answer(sshio_request *req, enum request_takes kind, const char *function)
{
    if (req == NULL || req->takes != kind)
        return fail(SSHIO_EINVAL, "%s: this question is not answered so", function);
    request_done(req);
    return 0;
}

static int end_answer(sshio_request *req, bool complete)
{
    if (!complete) {
        request_done(req);
        return fail_nomem();
    }
    req->answered = true;
    return SSHIO_ANSWERED;
}

int sshio_answer_text(sshio_request *req, const char *text)
{
    if (text == NULL)
        return fail(SSHIO_EINVAL, "sshio_answer_text: no text");
    int rc = request_begin_answer(req, TAKES_TEXT, "sshio_answer_text");
    return rc != 0 ? rc : end_answer(req, texts_add(&req->texts, text));
}

int sshio_answer_texts(sshio_request *req, const char *const *texts)
{
    size_t count = 0;
    int rc = request_begin_answer(req, TAKES_TEXTS, "sshio_answer_texts");
    if (rc != 0)
        return rc;
    while (texts != NULL && texts[count] != NULL)
        count++;
    if (count != req->takes_count)
        return fail(SSHIO_EINVAL, "sshio_answer_texts: %zu answers to %zu prompts", count, req->takes_count);
    return end_answer(req, texts_copy(&req->texts, texts));
}

int sshio_answer_passwords(sshio_request *req, const char *old_password, const char *new_password)
{
    if (old_password == NULL || new_password == NULL)
        return fail(SSHIO_EINVAL, "sshio_answer_passwords: a password is missing");
    int rc = request_begin_answer(req, TAKES_PASSWORDS, "sshio_answer_passwords");
    return rc != 0 ? rc : end_answer(req, texts_add(&req->texts, old_password) && texts_add(&req->texts, new_password));
}

int sshio_answer_keys(sshio_request *req, const sshio_keyref *keys)
{
    int rc = request_begin_answer(req, TAKES_KEYS, "sshio_answer_keys");
    if (rc == 0)
        rc = key_files_load_list(keys, &req->keys, last_error());
    return rc != 0 ? rc : end_answer(req, true);
}

static bool add_prompts(sshio_request *req, const sshio_prompt *prompts, size_t count)
{
    req->echo = mem_array(count + 1, sizeof *req->echo);
    if (req->echo == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        req->echo[i] = prompts[i].echo;
        if (!texts_add(&req->texts, prompts[i].text))
            return false;
    }
    return true;
}

int sshio_answer_challenge(sshio_request *req, const char *name, const char *instructions, const char *lang,
                           const sshio_prompt *prompts, size_t count)
{
    if (count > limits_default.kbdint_prompts || (count != 0 && prompts == NULL))
        return fail(SSHIO_EINVAL, "sshio_answer_challenge: %zu prompts, which must be at most %u", count,
                    (unsigned)limits_default.kbdint_prompts);
    for (size_t i = 0; i < count; i++)
        if (prompts[i].text == NULL)
            return fail(SSHIO_EINVAL, "sshio_answer_challenge: prompt %zu has no text", i);
    int rc = request_begin_answer(req, TAKES_CHALLENGE, "sshio_answer_challenge");
    if (rc != 0)
        return rc;
    return end_answer(req, texts_add(&req->texts, name != NULL ? name : "") &&
                               texts_add(&req->texts, instructions != NULL ? instructions : "") &&
                               texts_add(&req->texts, lang != NULL ? lang : "") && add_prompts(req, prompts, count));
}
