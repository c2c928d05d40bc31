# chart.awk: heap beside pagestore as a picture (SVG), from lines of fields parted by tabs:
#
#   title	about	unit	heap	pagestore	[what else is to be said]
#
# One unit ends in "/s": of rates more is better, of times less.  -v heading=, line1=, line2=, foot=: what stands above and below.
function text(x, y, class, what) { body = body sprintf("<text x=\"%d\" y=\"%d\" class=\"%s\">%s</text>\n", x, y, class, plain(what)) }
function plain(what) { gsub(/&/, "\\&amp;", what); gsub(/</, "\\&lt;", what); return what }
function bar(y, length_, class, what) {
	body = body sprintf("<rect x=\"150\" y=\"%d\" width=\"%.1f\" height=\"18\" rx=\"2\" class=\"%s\"/>\n", y, length_ < 2 ? 2 : length_, class)
	text(150 + length_ + 8, y + 14, "value", what)
}
function figure(value, unit) { return sprintf(value < 100 ? "%.1f%s" : "%.0f%s", value, unit) }
BEGIN {
	FS = "\t"
	text(30, 40, "title", heading)
	text(30, 62, "small", line1)
	text(30, 79, "small", line2)
}
{
	y = 100 + (NR - 1) * 108
	rate = $3 ~ /\/s$/
	unit = $3 == "/s" ? " a second" : " " $3
	most = $4 > $5 ? $4 : $5
	body = body sprintf("<line x1=\"30\" y1=\"%d\" x2=\"790\" y2=\"%d\" class=\"line\"/>\n", y, y)
	text(30, y + 26, "head", $1)
	text(150, y + 26, "small", $2 ($6 == "" ? "" : "; " $6))
	text(140, y + 56, "side", "heap")
	bar(y + 42, 410 * $4 / most, "heap", figure($4, unit))
	text(140, y + 82, "side", "pagestore")
	bar(y + 68, 410 * $5 / most, "pagestore", figure($5, unit))
	text(790, y + 62, "ratio", sprintf("%.2f ×", rate ? $5 / $4 : $4 / $5))
	text(790, y + 80, "unit", "as fast")
}
END {
	height = 128 + NR * 108
	text(30, height - 12, "small", foot)
	printf "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"820\" height=\"%d\" viewBox=\"0 0 820 %d\" role=\"img\">\n", height, height
	print "<title>heap beside pagestore</title><style>"
	print "text { font-family: \"DejaVu Sans\", Verdana, Arial, sans-serif; fill: #24292f }"
	print ".title { font-size: 20px; font-weight: bold } .head { font-size: 15px; font-weight: bold } .small { font-size: 12px; fill: #57606a }"
	print ".side { font-size: 12px; text-anchor: end } .value { font-size: 12px } .ratio { font-size: 22px; font-weight: bold; text-anchor: end }"
	print ".unit { font-size: 12px; fill: #57606a; text-anchor: end } .heap { fill: #9aa4ae } .pagestore { fill: #1f6feb } .line { stroke: #d0d7de }"
	printf "</style><rect width=\"820\" height=\"%d\" fill=\"#ffffff\"/>\n", height
	printf "%s</svg>\n", body
}
