/* What is simulated: a server and one to three clients of it, with sessions of all shapes, and what may be expected of
 * them. A scenario is quiet or stormy. In a quiet one everything has to come out exactly as planned. In a stormy one
 * the network fails, tasks are cancelled and things are closed at random moments; whatever such a blow can explain is
 * marked as disturbed, and for that only two things are asked: an error of a documented kind, and that what is called a
 * success is complete. */
#ifndef TESTS_SIM_SCENARIO_H
#define TESTS_SIM_SCENARIO_H

#include "sim.h"

#define CLIENTS_MAX 3
#define FLOWS_MAX 5
#define BLOWS_MAX 4

struct scenario;
struct client;

/* What the server does in a session. */
enum program {
    PROGRAM_ECHO,      /* what comes goes back; ends at EOF */
    PROGRAM_SOURCE,    /* writes to stdout and stderr */
    PROGRAM_SINK,      /* reads to EOF */
    PROGRAM_STATUS,    /* ends at once */
    PROGRAM_SIGNAL,    /* ends by a signal */
    PROGRAM_NO_STATUS, /* closes without a word */
    PROGRAM_COUNT
};

/* What the client sees the session as. */
enum shape { SHAPE_RUN, SHAPE_PROCESS, SHAPE_STREAMS, SHAPE_HANDLERS, SHAPE_COUNT };

/* What the server sees it as. */
enum service { SERVICE_NONE, SERVICE_PROCESS, SERVICE_STREAMS, SERVICE_HANDLERS };

enum { STREAM_UP, STREAM_DOWN, STREAM_ERR };

/* A session, as both sides know it. */
struct flow {
    struct client *client;
    long number;
    enum program program;
    enum shape shape;
    enum service service; /* chosen by the server when it starts */
    size_t up_len, down_len, err_len;
    int status;
    bool by_env; /* a shell, told by its environment which session it is; else a command or subsystem */
    bool subsystem;
    double timeout; /* of a run; 0 = none */
    bool disturbed; /* it need not succeed */
    bool dropped;   /* our side gave it up: what had arrived may be lost */
    bool complete;  /* it ended as planned, with everything */
    /* what was seen */
    size_t up_seen, down_seen, err_seen;
    size_t served_out, served_err;                               /* by callbacks */
    unsigned client_made, client_lost, server_made, server_lost; /* channels with handlers */
    bool server_paused, client_paused, server_eof, client_eof;
    bool client_full;
    int seen_status, lost_code; /* by handlers */
    sshio_chan *client_chan, *server_chan;
    struct sim_actor actor;
};

enum login {
    LOGIN_KEY,
    LOGIN_WRONG_KEY,
    LOGIN_PASSWORD,
    LOGIN_WRONG_PASSWORD,
    LOGIN_ASKED_PASSWORD,    /* the second answer is right */
    LOGIN_KEY_THEN_PASSWORD, /* the key is wrong */
    LOGIN_OPEN,
    LOGIN_KBDINT, /* two challenges */
    LOGIN_WRONG_KBDINT,
    LOGIN_KEY_AND_PASSWORD, /* both, where both are wanted */
    LOGIN_KEY_AND_KBDINT,
    LOGIN_COUNT
};

enum trust { TRUST_KNOWN, TRUST_ASKED, TRUST_REFUSED, TRUST_UNKNOWN, TRUST_WRONG, TRUST_UNCHECKED, TRUST_COUNT };

struct client {
    struct scenario *scenario;
    long number;
    enum login login;
    enum trust trust;
    const char *kex; /* NULL = whatever both like best */
    const char *cipher;
    bool compresses;
    double connect_timeout;
    bool proves_host; /* the key exchange has a host key */
    sshio_conn *conn; /* from connection_made to connection_lost */
    sshio_conn *server_conn;
    bool disturbed;
    bool logged_in;
    unsigned passwords_asked, kbdint_asked;
    unsigned made, lost, server_made, server_lost, server_completed;
    unsigned refusals_sent, refusals_seen;
    unsigned globals_made, globals_answered;
    struct flow flows[FLOWS_MAX];
    unsigned flow_count;
    struct sim_actor actor;
};

/* Something that is done to a scenario before a certain step: one of the rows in storm.c, or any of them. */
struct blow {
    uint64_t step;
    int row; /* BLOW_ANY = the seed chooses */
    bool done;
};
#define BLOW_ANY (-1)
int blow_count(void);

/* What is to be run. Gentle scenarios are short and quiet, and the seed chooses no more than their kind. */
struct scenario_order {
    uint64_t seed;
    bool gentle;
    uint64_t failing_memory; /* the allocation that fails; 0 = none */
    struct blow blow;        /* to a gentle one; step 0 = none */
    const char *replay;      /* how to run it again */
};
#define GENTLE_KINDS 6

struct scenario {
    struct sim sim;
    bool stormy;
    bool gentle;
    enum service service;     /* SERVICE_NONE = chosen for each session */
    bool waits;               /* handlers that may wait do so */
    uint32_t refuse_sessions; /* one in so many; 0 = none */
    bool two_steps;           /* a key and something else are needed to log in */
    struct client clients[CLIENTS_MAX];
    unsigned client_count;
    struct blow blows[BLOWS_MAX];
    unsigned blow_count;
    sshio_listener *listener;
};

/* The keys that all scenarios share. */
struct sim_keys {
    sshio_key *host, *user, *other;
    char known_hosts[512], wrong_hosts[512], authorized[512];
};
const struct sim_keys *sim_keys(void);
void sim_keys_done(void);

/* ---- scenario.c ---- */

void scenario_run(struct scenario *sc, const struct scenario_order *order);
uint8_t flow_octet(const struct flow *flow, int stream, size_t at);
void flow_fill(const struct flow *flow, int stream, size_t at, uint8_t *to, size_t len);
void flow_check(struct flow *flow, int stream, size_t *seen, const void *data, size_t len);

/* How many bytes the client has to see. */
size_t flow_out_len(const struct flow *flow);
size_t flow_err_len(const struct flow *flow);
int flow_out_stream(const struct flow *flow);
int flow_status(const struct flow *flow);       /* that it has to see; SSHIO_NO_STATUS, -1 = signal */
bool flow_reads_input(const struct flow *flow); /* the server does, to the end */
bool flow_excused(const struct flow *flow);     /* it or its connection was disturbed */
void scenario_nap(struct scenario *sc, uint32_t chances, uint32_t ms); /* waits, one time in so many */
bool error_is_plausible(const struct scenario *sc, int code);

/* ---- server.c, client.c, storm.c ---- */

int server_start(struct scenario *sc);
void client_plan(struct scenario *sc, struct client *c);
int client_run(void *client);
bool client_uses_kbdint(const struct client *c);
void client_check(struct client *c);

/* What one flow of a client comes to, for each of its shapes; the task of a session. */
int flow_run(void *flow);

void storm_plan(struct scenario *sc);
void storm_step(struct sim *sim);
void storm_mischief(struct flow *flow, sshio_chan *chan); /* sometimes closes something, from inside a callback */
void storm_accept(struct sim *sim, struct sim_link *link);
void storm_fault(struct sim *sim, struct sim_link *link, enum sim_fault fault);

#endif
