#!/usr/bin/env escript
%% A client on Erlang's ssh application.
%%
%%     erlang_client PORT USER USER_DIR run COMMAND       its output; ends with its status
%%     erlang_client PORT USER USER_DIR sessions COUNT    COUNT times `cat` at once; prints "sessions COUNT"
%%     erlang_client PORT USER USER_DIR shell LINE        types LINE into a shell on a terminal; output, status
%%
%% USER_DIR has the key and known_hosts.
-mode(compile).
-export([main/1]).

main([Port, User, UserDir | What]) ->
    ok = logger:set_primary_config(level, error),
    {ok, _} = application:ensure_all_started(ssh),
    {ok, Conn} = ssh:connect("127.0.0.1", list_to_integer(Port),
                             [{user, User}, {user_dir, UserDir}, {auth_methods, "publickey"},
                              {silently_accept_hosts, false}, {user_interaction, false}]),
    Status = act(What, Conn),
    ssh:close(Conn),
    halt(Status).

act(["run", Command], Conn) ->
    Channel = open(Conn),
    success = ssh_connection:exec(Conn, Channel, Command, infinity),
    ssh_connection:send_eof(Conn, Channel),
    {Out, Status} = collect(Conn, Channel),
    io:put_chars(Out),
    Status;
act(["sessions", Count], Conn) ->
    Channels = [open(Conn) || _ <- lists:seq(1, list_to_integer(Count))],
    [success = ssh_connection:exec(Conn, Channel, "cat", infinity) || Channel <- Channels],
    [ok = ssh_connection:send(Conn, Channel, line(Channel)) || Channel <- Channels],
    [ok = ssh_connection:send_eof(Conn, Channel) || Channel <- Channels],
    [check(collect(Conn, Channel), {line(Channel), 0}) || Channel <- Channels],
    io:format("sessions ~s~n", [Count]),
    0;
act(["shell", Line], Conn) ->
    Channel = open(Conn),
    success = ssh_connection:ptty_alloc(Conn, Channel, [{term, "vt100"}, {width, 80}, {height, 24}]),
    ok = ssh_connection:shell(Conn, Channel),
    ok = ssh_connection:send(Conn, Channel, Line ++ "\n"),
    {Out, Status} = collect(Conn, Channel),
    io:put_chars(Out),
    Status.

check(Same, Same) -> ok.

line(Channel) ->
    iolist_to_binary(io_lib:format("line of ~p~n", [Channel])).

open(Conn) ->
    {ok, Channel} = ssh_connection:session_channel(Conn, infinity),
    Channel.

%% All that comes on one channel, to its end; other channels' messages wait.
collect(Conn, Channel) ->
    collect(Conn, Channel, <<>>, 255).

collect(Conn, Channel, Out, Status) ->
    receive
        {ssh_cm, Conn, {data, Channel, _Type, Data}} ->
            ssh_connection:adjust_window(Conn, Channel, byte_size(Data)),
            collect(Conn, Channel, <<Out/binary, Data/binary>>, Status);
        {ssh_cm, Conn, {exit_status, Channel, New}} ->
            collect(Conn, Channel, Out, New);
        {ssh_cm, Conn, {closed, Channel}} ->
            {Out, Status}
    after 30000 ->
        {Out, 254}
    end.
