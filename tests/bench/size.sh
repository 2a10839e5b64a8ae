#!/bin/sh
# Measures oomlab size: the programs of docs/size.md by ratchet and by bisection, then REPEAT runs at
# the limit found and one MiB below. Prints a Markdown table. As root; some minutes. LOCK: a command
# put before each oomlab, such as 'flock FILE'. ROWS: an extended regular expression, those to measure.
OOMLAB=${OOMLAB:-build/oomlab}
dir=${BENCH_DIR:-$(mktemp -d)}
mkdir -p "$dir"

lines() {
	awk -v n="$1" 'BEGIN { srand(1); for (i = 0; i < n; i++) printf "%048d\n", rand() * 1e9 }'
}
prepare() {
	lines "${BENCH_LINES:-600000}" >"$dir/lines"
	head -c 1000000 "$dir/lines" >"$dir/part"
	awk -v n="${BENCH_FUNCTIONS:-150}" 'BEGIN { for (i = 0; i < n; i++) printf "int f%d(int a,int b){int s=%d;" \
		"for(int i=0;i<a;i++){s+=i*b^%d;if(s&%d)s-=b;else s*=3;}return s;}\n", i, i, 7 * i, i + 1 }' \
		>"$dir/big.c"
	cat >"$dir/fill-redis" <<'END'
#!/bin/sh
# Starts a redis-server, fills it with 200000 values, asks how many it has, ends it.
sock=$PWD/redis.sock
rm -f redis.log redis.sock
mkfifo redis.log
redis-server --port 0 --unixsocket "$sock" --save '' --appendonly no >redis.log 2>&1 &
server=$!
exec 3<redis.log
while read -r line <&3; do
	case $line in *[Rr]eady\ to\ accept*) break ;; esac
done
cat <&3 >redis.rest &
awk 'BEGIN { for (i = 0; i < 200000; i++) printf "SET key:%d %0100d\r\n", i, i }' |
	redis-cli -s "$sock" --pipe >redis.filled || exit 1
redis-cli -s "$sock" dbsize || exit 1
redis-cli -s "$sock" shutdown nosave
wait $server
END
	cat >"$dir/Lists.java" <<'END'
import java.util.ArrayList;

public class Lists {
    public static void main(String[] args) {
        ArrayList<int[]> list = new ArrayList<>();
        long sum = 0;
        for (int round = 0; round < 40; round++) {
            list.clear();
            for (int i = 0; i < 20000; i++)
                list.add(new int[32]);
            sum += list.size();
        }
        System.out.println(sum);
    }
}
END
	printf '.PHONY: all\nall: 1.o 2.o 3.o 4.o\n1.o 2.o 3.o 4.o: big.c\n\tgcc -O2 -c -o $@ $<\n' >"$dir/Makefile"
}

# number NAME: of the object on stdin, its own ones only
number() {
	sed -n "s/^  \"$1\": \([0-9.]*\),*\$/\1/p" "$dir/json"
}
size() {
	# shellcheck disable=SC2086 # LOCK is words
	${LOCK:-} "$OOMLAB" size --slow 0 --json "$@" >"$dir/json" 2>"$dir/err"
	limit=$(number limit) runs=$(number runs) seconds=$(number seconds | tail -n 1)
	free=$(sed -n '/"without_limit"/,/}/s/^    "seconds": \([0-9.]*\).*/\1/p' "$dir/json")
	peak=$(sed -n 's/^    "peak": \([0-9]*\).*/\1/p' "$dir/json")
	engine=$(sed -n 's/^  "engine": "\(.*\)",*$/\1/p' "$dir/json")
}
passes() {
	# shellcheck disable=SC2086
	${LOCK:-} "$OOMLAB" sweep --format csv --points 1 --repeat "${REPEAT:-10}" "$@" 2>"$dir/err" |
		tail -n 1 | cut -d, -f3,2 | tr ',' ' '
}

# row NAME COMMAND...; the ratio is of the times of both engines, less that of the run without a limit
# that both begin with
row() {
	name=$1
	shift
	echo "$name" | grep -Eq "${ROWS:-.}" || return 0
	if ! command -v "${needs:-$1}" >"$dir/which"; then
		echo "| $name | skipped: no ${needs:-$1} |"
		return
	fi
	size -- "$@"
	found=$limit first="$engine | $runs | $seconds" own=$(echo "$seconds $free" | awk '{ print $1 - $2 }')
	at=$(passes --from "$found" --to "$found" -- "$@")
	below=none
	[ "$found" -gt 1048576 ] && below=$(passes --from $((found - 1048576)) \
		--to $((found - 1048576)) -- "$@")
	unlimited=$peak
	size --method bisect -- "$@"
	echo "$name|$unlimited|$found|$first|$at|$below|$limit|$runs|$seconds|$own|$free" |
		awk -F'|' '{ split($7, a, " "); split($8, b, " ");
			printf "| %s | %.1f | %d | %s | %s | %.2f | %s of %s | %s | %d | %s | %.2f | %.2f |\n",
				$1, $2 / 1048576, $3 / 1048576, $4, $5, $6, a[2], a[1],
				$8 == "none" ? "-" : b[2] " of " b[1], $9 / 1048576, $10, $11,
				$12 / ($11 - $13) }'
}

prepare
cd "$dir" || exit 1
echo '| program | peak | limit | engine | runs | seconds | passes | 1 MiB less | bisection | runs | seconds | ratio |'
echo '|---|---|---|---|---|---|---|---|---|---|---|---|'
row 'python3 bytearray(200 MB)' python3 -c 'bytearray(200 * 1000 * 1000)'
row 'gcc -O2' gcc -O2 -c -o out.o big.c
row 'xz -9' xz -9 -c part
row 'sort -S 32M' sort -S 32M lines
row 'make -j2' make -r -s -j2 -B all
row 'dd bs=1M' dd if=lines of=copy bs=1M status=none
row 'sha256sum' sha256sum lines
row 'tar, gzip' sh -c 'tar cf - lines | gzip -1 | cksum'
row 'node' node -e 'const a = []; for (let i = 0; i < 1e6; i++) a.push({i}); console.log(a.length)'
needs=redis-server
row 'redis-server, filled' sh fill-redis
needs=
command -v javac >"$dir/which" && javac Lists.java
if [ -e Lists.class ]; then
	row 'java' java -cp "$dir" Lists
else
	row 'java' java -version
fi
