# Lays out and runs a PostgreSQL server for tests (postgres.go embeds it).
#   postgres.sh BIN DIR prepare ARCHIVE PASSWORD
#   postgres.sh BIN DIR run PORT [PROGRAM ARGUMENT…]
set -eu
umask 077
bin=$1 dir=$2 verb=$3

# DIR/data and DIR/password from ARCHIVE, which is made where it is missing. It
# comes into being whole, by rename, so that test programs may race for it; one
# that another user laid there is not trusted.
prepare() {
	archive=$1
	if [ ! -O "$archive" ]; then
		mkdir new
		echo "$2" >new/password
		"$bin/initdb" -D new/data -U postgres --pwfile=new/password \
			-A scram-sha-256 -E UTF8 --locale=C --no-sync >initdb.log 2>&1 || {
			cat initdb.log
			exit 1
		}
		tar -C new -cf new.tar .
		rm -rf new
		mv -f new.tar "$archive"
	fi
	tar -xf "$archive"
}

# Runs until standard input gives a line (the data stay) or ends (the folder
# goes). fsync is off: a test survives a crash of the server, not of the machine;
# but what the server runs under may be there to watch over it.
run() {
	port=$1 fsync=off
	shift
	[ $# -eq 0 ] || fsync=on
	exec 3<&0
	"$@" "$bin/postgres" -D data -p "$port" \
		-c listen_addresses=127.0.0.1 -c unix_socket_directories= \
		-c fsync=$fsync -c full_page_writes=off \
		-c max_connections=200 -c shared_buffers=32MB </dev/null 3<&- &
	server=$!
	watch <&3 &
	watcher=$!
	exec 3<&-
	wait "$server" || true
	kill "$watcher" 2>/dev/null || true
	[ ! -e remove ] || rm -rf "$dir"
}

# Again and again, because a server that is only just starting does not hear it.
watch() {
	word=
	read -r word || true
	[ -n "$word" ] || : >remove
	while kill -QUIT "$server" 2>/dev/null; do sleep 0.2; done
}

cd "$dir"
shift 3
"$verb" "$@"
