#!/usr/bin/env escript
%% A daemon of Erlang's ssh application. Prints "listening PORT", then serves until it is ended.
%% Its commands are words: hello, exit N, both, source FILE, sink (prints a SHA-256), cat.
-mode(compile).
-behaviour(ssh_server_channel).
-export([main/1, init/1, handle_msg/2, handle_ssh_msg/2, terminate/2]).

-record(state, {word = none, hash}).

%% Files are served in the version SftpVersion. User and password, if any, are the rest.
main([SystemDir, UserDir, Rekey, Methods, SftpVersion | Account]) ->
    {ok, _} = application:ensure_all_started(ssh),
    Limits = case list_to_integer(Rekey) of
                 0 -> [];
                 Bytes -> [{rekey_limit, Bytes}]
             end,
    Passwords = case Account of
                    [] -> [];
                    [User, Password] -> [{user_passwords, [{User, Password}]}]
                end,
    {ok, Daemon} = ssh:daemon({127, 0, 0, 1}, 0,
                              [{system_dir, SystemDir}, {user_dir, UserDir}, {auth_methods, Methods},
                               {max_sessions, 100}, {max_channels, 200}, {parallel_login, true}, {nodelay, true},
                               {subsystems, [ssh_sftpd:subsystem_spec([{sftpd_vsn, list_to_integer(SftpVersion)}])]},
                               {ssh_cli, {?MODULE, []}} | Limits ++ Passwords]),
    {ok, Info} = ssh:daemon_info(Daemon),
    io:format("listening ~p~n", [proplists:get_value(port, Info)]),
    receive stop -> ok end.

init([]) ->
    {ok, #state{hash = crypto:hash_init(sha256)}}.

handle_msg({ssh_channel_up, _Channel, _Conn}, State) ->
    {ok, State};
handle_msg(_Other, State) ->
    {ok, State}.

handle_ssh_msg({ssh_cm, Conn, {exec, Channel, WantReply, Command}}, State) ->
    ssh_connection:reply_request(Conn, WantReply, success, Channel),
    start(string:lexemes(unicode:characters_to_list(Command), " "), Conn, Channel, State);
handle_ssh_msg({ssh_cm, Conn, {data, Channel, 0, Data}}, #state{word = cat} = State) ->
    ok = ssh_connection:send(Conn, Channel, Data),
    {ok, State};
handle_ssh_msg({ssh_cm, _Conn, {data, _Channel, 0, Data}}, #state{word = sink, hash = Hash} = State) ->
    {ok, State#state{hash = crypto:hash_update(Hash, Data)}};
handle_ssh_msg({ssh_cm, Conn, {eof, Channel}}, #state{word = cat} = State) ->
    finish(Conn, Channel, 0, State);
handle_ssh_msg({ssh_cm, Conn, {eof, Channel}}, #state{word = sink, hash = Hash} = State) ->
    Digest = string:lowercase(binary:encode_hex(crypto:hash_final(Hash))),
    ok = ssh_connection:send(Conn, Channel, [Digest, "  -\n"]),
    finish(Conn, Channel, 0, State);
handle_ssh_msg({ssh_cm, Conn, {Request, Channel, WantReply, _}}, State) when Request =:= env; Request =:= pty ->
    ssh_connection:reply_request(Conn, WantReply, failure, Channel),
    {ok, State};
handle_ssh_msg(_Other, State) ->
    {ok, State}.

start(["hello"], Conn, Channel, State) ->
    ok = ssh_connection:send(Conn, Channel, "hello\n"),
    finish(Conn, Channel, 0, State);
start(["exit", Status], Conn, Channel, State) ->
    finish(Conn, Channel, list_to_integer(Status), State);
start(["both"], Conn, Channel, State) ->
    ok = ssh_connection:send(Conn, Channel, "to-out\n"),
    ok = ssh_connection:send(Conn, Channel, 1, "to-err\n"),
    finish(Conn, Channel, 0, State);
start(["source", File], Conn, Channel, State) ->
    spawn_link(fun() -> send_file(File, Conn, Channel) end),
    {ok, State#state{word = source}};
start(["sink"], _Conn, _Channel, State) ->
    {ok, State#state{word = sink}};
start(["cat"], _Conn, _Channel, State) ->
    {ok, State#state{word = cat}};
start(_Unknown, Conn, Channel, State) ->
    finish(Conn, Channel, 127, State).

%% A raw file belongs to the process that opened it.
send_file(File, Conn, Channel) ->
    {ok, Handle} = file:open(File, [read, raw, binary]),
    send_blocks(file:read(Handle, 65536), Handle, Conn, Channel).

send_blocks({ok, Data}, Handle, Conn, Channel) ->
    ok = ssh_connection:send(Conn, Channel, Data),
    send_blocks(file:read(Handle, 65536), Handle, Conn, Channel);
send_blocks(eof, Handle, Conn, Channel) ->
    file:close(Handle),
    finish(Conn, Channel, 0, none).

finish(Conn, Channel, Status, State) ->
    ssh_connection:send_eof(Conn, Channel),
    ssh_connection:exit_status(Conn, Channel, Status),
    ssh_connection:close(Conn, Channel),
    {ok, State}.

terminate(_Reason, _State) ->
    ok.
