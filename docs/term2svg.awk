# Terminal text with colours to SVG: made docs/terminal.svg from a real run, like this:
#
#     tmux new-session -d -s shot -x 100 -y 40
#     tmux send-keys -t shot 'build/oomlab run oom_control' Enter
#     tmux capture-pane -t shot -p -e | awk -f docs/term2svg.awk > docs/terminal.svg
#
# Knows what oomlab and a prompt print: ASCII, bold, dim and the eight plain colours.
# An empty line at the end is dropped.

function escape(text) {
	gsub(/&/, "\\&amp;", text)
	gsub(/</, "\\&lt;", text)
	gsub(/>/, "\\&gt;", text)
	return text
}

# One SGR sequence, such as "1;31", changes class and weight of what follows.
function sgr(codes,    list, n, i, code) {
	n = split(codes, list, ";")
	if (n == 0)
		colour = weight = ""
	for (i = 1; i <= n; i++) {
		code = list[i] + 0
		if (code == 0)
			colour = weight = ""
		else if (code == 1)
			weight = "b"
		else if (code == 2)
			weight = "d"
		else if (code == 22)
			weight = ""
		else if (code >= 30 && code <= 37)
			colour = "c" (code - 30)
		else if (code >= 90 && code <= 97)
			colour = "c" (code - 90)
		else if (code == 39)
			colour = ""
	}
}

function add(text,    class) {
	if (text == "")
		return
	columns += length(text)
	class = colour (colour != "" && weight != "" ? " " : "") weight
	row = row (class == "" ? escape(text) : "<tspan class=\"" class "\">" escape(text) "</tspan>")
}

{
	rest = $0
	row = ""
	columns = 0
	while (match(rest, /\033\[[0-9;]*m/)) {
		add(substr(rest, 1, RSTART - 1))
		sgr(substr(rest, RSTART + 2, RLENGTH - 3))
		rest = substr(rest, RSTART + RLENGTH)
	}
	add(rest)
	rows[NR] = row
	if (columns > widest)
		widest = columns
	if (row != "")
		last = NR
}

END {
	width = int(widest * 7.83 + 32)
	height = last * 17 + 28
	printf "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" ", width, height
	printf "viewBox=\"0 0 %d %d\">\n<style>\n", width, height
	print "text{font:13px 'DejaVu Sans Mono',Menlo,Consolas,monospace;fill:#d4d4d4;white-space:pre}"
	print ".b{font-weight:bold}.d{fill:#8a8a8a}.c1{fill:#f2777a}.c2{fill:#7ec97e}.c3{fill:#e5c07b}"
	print ".c4{fill:#6cb6ff}.c5{fill:#cc99cc}.c6{fill:#66cccc}.c0{fill:#8a8a8a}.c7{fill:#f0f0f0}"
	print "</style>"
	printf "<rect width=\"%d\" height=\"%d\" rx=\"6\" fill=\"#1c1e22\"/>\n", width, height
	for (i = 1; i <= last; i++)
		if (rows[i] != "")
			printf "<text x=\"16\" y=\"%d\" xml:space=\"preserve\">%s</text>\n", \
				i * 17 + 9, rows[i]
	print "</svg>"
}
