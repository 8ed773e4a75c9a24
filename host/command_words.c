/* What each command is for. See command_words.h. Facts: the sections of the reference that the rows of each command name. */
#include "command_words.h"

#include <string.h>

/* clang-format off */
#define ACCESS_POINT "ssid|name of the access point", "password|empty for an open network", \
    "bssid|MAC of the access point, when several have that name", "pci_en|1 refuses open and WEP networks; default 0"
#define TEXT_OF_LINK "text|empty: forget it"

static const command_words_t words[] = {
    { .name = "", .does = "does nothing: is the modem there?" },
    { .name = "E0", .does = "echo off: what is typed is not sent back" },
    { .name = "E1", .does = "echo on, as after each start" },
    { .name = "+RST", .does = "restarts the module" },
    { .name = "+GMR", .does = "versions of the firmware" },
    { .name = "+CMD", .does = "lists the commands, and for each whether it has the test, query, set and bare form" },
    { "+GSLP", "deep sleep; GPIO16, wired to the reset pin, wakes the module up", .argument = {
        "ms|how long; 0: until the reset pin is pulled" } },
    { "+SYSTIMESTAMP", "the clock", .argument = { "seconds|since 1970-01-01 00:00:00 UTC" } },
    { "+SLEEP", "sleep mode of a station", .argument = { "mode|0 none, 1 light, 2 modem (default)" }, .esp_at = {
        "mode|0 none (default), 1 modem by DTIM, 2 light, 3 modem by listen interval" } },
    { .name = "+RESTORE", .does = "forgets all saved settings and restarts" },
    { .name = "+SYSRAM", .does = "free memory, bytes; esp-at: and the lowest so far" },
    { "+RFPOWER", "transmit power", .argument = { "power|in 0.25 dBm" } },
    { "+SYSMSG", "which lines are printed beside the usual ones", .argument = {
        "bits|1: +QUITT when passthrough is left; 2: +LINK_CONN:... in place of CONNECT; 4 (esp-at): events in "
        "passthrough too; default 0" } },
    { .name = "+SYSROLLBACK", .does = "goes back to the firmware before an update" },
    { "+SYSLOG", "an ERR CODE in front of each ERROR", .argument = { "on|1 on; default 0" } },
    { "+SYSSTORE", "whether settings are saved", .argument = { "on|1 saved in the flash (default), 0 not" } },
    { "+SYSFLASH", "reads and writes the user partitions of the flash", .argument = {
        "operation|0 erase, 1 write, 2 read", "partition|its name, see the query form", "offset|", "length|" } },
    { "+SLEEPWKCFG", "what wakes the module from light sleep", .argument = {
        "source|2: a pin", "gpio|its number", "level|" } },
    { "+SYSREG", "reads or writes a register of the chip", .argument = {
        "write|0 read, 1 write", "address|0x60000000 to 0x600013fc, a multiple of 4", "value|when it is written" } },
    { "+WAKEUPGPIO", "the pin that wakes the module from light sleep", .argument = {
        "on|", "gpio|its number", "level|", "awake_gpio|a pin that is set once awake", "awake_level|" } },
    { "+RFVDD", "supply voltage of the radio, 1/1024 V; bare: measures and takes it", .argument = {
        "voltage|1900 to 3300 is taken" } },
    { "+RFAUTOTRACE", "whether the radio follows its frequency by itself, from the next start on", .argument = {
        "on|default 1" } },
    { "+SYSIOSETCFG", "what a pin does", .argument = {
        "pin|0-5, 9, 10, 12-15", "mode|function of the pin: 0 is GPIO for 0, 2, 4 and 5, 3 for the others",
        "pull_up|1 on" } },
    { "+SYSIOGETCFG", "shows what a pin does", .argument = { "pin|0-5, 9, 10, 12-15" } },
    { "+SYSGPIODIR", "makes a pin input or output", .argument = { "pin|", "direction|0 input, 1 output" } },
    { "+SYSGPIOWRITE", "sets an output", .argument = { "pin|", "level|" } },
    { "+SYSGPIOREAD", "direction and level of a pin", .argument = { "pin|" } },
    { .name = "+SYSADC", .does = "the analogue input, 1/1024 V" },
    { "+TEST", "the sample command that Espressif left in", .argument = { "number|", "text|", "another|" } },

    { "+USERRAM", "a buffer for the user's data", .argument = {
        "operation|0 free, 1 allocate, 2 write, 3 read, 4 clear", "length|bytes; with 1 its size", "offset|default 0" } },
    { "+USEROTA", "updates the firmware from a URL, which follows the prompt", .argument = { "length|of the URL, bytes" } },
    { "+USERWKMCUCFG", "how the module wakes its host before it speaks", .argument = {
        "on|", "mode|1 by a pin, 2 by a byte", "number|of the pin, or 0 (the UART)",
        "signal|level of the pin, or the byte", "delay|ms from the signal to the data",
        "check|bits, what says that the host is awake: 1 AT+USERMCUSLEEP=0, 2 AT+SLEEP=0, 4 the delay; default 1" } },
    { "+USERMCUSLEEP", "says that the host sleeps or is awake", .argument = { "asleep|1 it sleeps, 0 it is awake" } },

    { "+CWMODE", "which interfaces are on", .argument = {
        "mode|1 station, 2 soft-AP, 3 both; esp-at: 0 none",
        "join|1 joins the stored access point when the station comes on (default)" } },
    { .name = "+CWSTATE", .does = "state of the station (0 never joined, 1 no address yet, 2 joined, 3 joining, 4 lost) and its network" },
    { "+CWJAP", "joins an access point; bare: the stored one", .argument = { ACCESS_POINT,
        "interval|s between attempts after a loss, default 1", "listen|interval, in beacons, default 3",
        "scan|0 the first of that name, 1 the strongest; default 0", "time_out|s, default 15",
        "pmf|bits, 1 capable, 2 required; default 0" } },
    { "+CWJAPTO", "time-out of AT+CWJAP", .argument = { "time_out|s, default 15" } },
    { "+CWRECONNCFG", "how a lost access point is joined again", .argument = {
        "interval|s between attempts, 0 none", "repeat|attempts, 0 without end" } },
    { "+CWLAP", "lists the access points", .argument = {
        "ssid|only those of that name", "mac|only that one", "channel|only that one", "passive|1 a passive scan",
        "min|ms a channel", "max|ms a channel" } },
    { "+CWLAPOPT", "which fields AT+CWLAP shows, and in what order", .argument = {
        "sort|1 by strength, 0 as found", "fields|bits: 1 ecn, 2 ssid, 4 rssi, 8 mac, 16 channel, 32 and 64 frequency, "
        "128 and 256 ciphers, 512 bgn, 1024 wps; default all", "floor|dBm, weaker ones are left out; default -100",
        "ecn|bits, the kinds of security that are shown; default all" } },
    { .name = "+CWQAP", .does = "leaves the access point" },
    { "+CWSTAPROTO", "the 802.11 modes of the station", .argument = { "bits|1 b, 2 g, 4 n" } },
    { "+CWAPPROTO", "the 802.11 modes of the soft-AP", .argument = { "bits|1 b, 2 g, 4 n" } },
    { "+CWAUTOCONN", "whether a start joins the stored access point", .argument = { "on|1 yes (default)" } },
    { "+CWCOUNTRY", "the country, which says which channels there are", .argument = {
        "policy|0 that of the access point, 1 this one", "code|such as \"DE\"", "first|channel", "channels|how many" } },
    { "+CWSAP", "the soft-AP", .argument = {
        "ssid|its name", "password|8 bytes or more, unless ecn is 0", "channel|", "ecn|0 open, 2 WPA, 3 WPA2, 4 both",
        "stations|at most so many", "hidden|1 its name is not told" } },
    { .name = "+CWLIF", .does = "the stations of the soft-AP" },
    { "+CWQIF", "throws stations out of the soft-AP; bare: all", .argument = { "mac|only that one" } },
    { "+CWDHCP", "who gets its address by DHCP", .argument = {
        "mode|0 soft-AP, 1 station, 2 both", "on|1 on" }, .esp_at = { "on|1 on", "mode|bits, 1 station, 2 soft-AP" } },
    { "+CWDHCPS", "addresses that the soft-AP gives", .argument = {
        "on|0 the usual ones; then nothing follows", "lease|minutes", "first|address", "last|address" } },
    { "+CWHOSTNAME", "host name of the station", .argument = { "name|" } },
    { "+CIPSTAMAC", "MAC of the station", .argument = { "mac|such as \"5c:cf:7f:00:00:01\"" } },
    { "+CIPAPMAC", "MAC of the soft-AP", .argument = { "mac|such as \"5e:cf:7f:00:00:01\"" } },
    { "+CIPSTA", "a fixed address for the station", .argument = {
        "ip|", "gateway|", "netmask|together with the gateway" } },
    { "+CIPAP", "address of the soft-AP", .argument = { "ip|", "gateway|", "netmask|together with the gateway" } },

    { .name = "+CIPSTATUS", .does = "state of the station and the links" },
    { .name = "+CIPSTATE", .does = "the links" },
    { "+CIFSR", "addresses of the interfaces", .line = { "\"<ip>\"" }, .argument = {
        "ip|the old way to set the address of the soft-AP (nonos)" } },
    { "+CIPV6", "IPv6", .argument = { "on|default 0" } },
    { "+CIPMUX", "single (0) or multiple (1) connection mode; only while no link is open", .argument = {
        "mode|default 0" } },
    { "+CIPSTART", "opens a link", .line = {
        "[<link>,]\"TCP\",\"<host>\",<port>[,<keep_alive>[,\"<local_ip>\"]]",
        "[<link>,]\"UDP\",\"<host>\",<port>[,<local_port>[,<mode>[,\"<local_ip>\"]]]" }, .argument = {
        "link|0 to 4: with AT+CIPMUX=1, and only then",
        "\"TCP\"|or \"SSL\"; esp-at, with AT+CIPV6=1: also \"TCPv6\", \"SSLv6\", and \"UDPv6\" like \"UDP\"",
        "host|name or address: nonos up to 63 bytes, esp-at up to 64", "port|1 to 65535",
        "keep_alive|0 to 7200 s without data, then the peer is asked for a sign of life; default 0: never",
        "local_port|1 to 65535; default: a free one",
        "mode|the peer of a UDP link: 0 stays (default), 1 becomes the first other that sends, 2 the latest",
        "local_ip|esp-at: the address from which it dials" } },
    { "+CIPSTARTEX", "opens a link with the lowest free id, which its CONNECT line tells", .line = {
        "\"TCP\",\"<host>\",<port>[,<keep_alive>[,\"<local_ip>\"]]",
        "\"UDP\",\"<host>\",<port>[,<local_port>[,<mode>[,\"<local_ip>\"]]]" }, .argument = {
        "...|as of AT+CIPSTART" } },
    { "+CIPTCPOPT", "options of TCP links", .line = { "[<link>,][<linger>],[<no_delay>],[<send_time_out>]" }, .argument = {
        "link|0 to 4, 5 all: with AT+CIPMUX=1, and only then",
        "linger|-1 to 32767: -1 off (default), 0 the link ends by RST, more: seconds that closing may take",
        "no_delay|1: small segments are sent at once; default 0", "send_time_out|ms, 0 none (default)" } },
    { .name = "+CIPALIVE", .does = "the links with keep-alive" },
    { "+CIPCLOSE", "closes a link; bare: the one of single mode", .line = { "<link>" }, .argument = {
        "link|0 to 4, 5 all; only with AT+CIPMUX=1" } },
    { "+CIPCLOSEMODE", "how AT+CIPCLOSE ends an open link", .argument = { "reset|1 by RST, 0 by FIN (default)" } },
    { "+CIPSEND", "sends the bytes that follow the prompt; bare: passthrough (AT+CIPMODE=1)", .line = {
        "[<link>,]<length>[,\"<host>\",<port>]" }, .argument = {
        "link|0 to 4: with AT+CIPMUX=1, and only then", "length|1 to 2048 bytes, which are taken as they are",
        "host|of a UDP link, for this datagram only", "port|likewise, 1 to 65535" } },
    { "+CIPSENDEX", "as AT+CIPSEND, but a \\0 (backslash, zero) ends the bytes early", .line = {
        "[<link>,]<length>[,\"<host>\",<port>]" }, .argument = {
        "link|0 to 4: with AT+CIPMUX=1, and only then", "length|at most so many bytes, 1 to 2048; \\\\ is one backslash",
        "host|of a UDP link, for this datagram only", "port|likewise, 1 to 65535" } },
    { "+CIPSENDBUF", "sends without waiting for the SEND OK before; TCP only", .argument = { "length|up to 2048 bytes" } },
    { "+CIPBUFRESET", "begins again with segment 1", .argument = { "link|" } },
    { "+CIPBUFSTATUS", "segments under way and room in the send buffer", .argument = { "link|" } },
    { "+CIPCHECKSEQ", "was that segment acknowledged?", .argument = { "segment|one of the last 32" } },
    { "+CIPCHECKQUEUE", "was that segment acknowledged?", .argument = { "segment|one of the last 32" } },
    { "+CIPDINFO", "the peer's address in each +IPD", .argument = { "on|default 0" } },
    { "+CIPSERVER", "starts or stops the server; needs AT+CIPMUX=1, but in the dialect classic", .argument = {
        "mode|1 starts it, 0 stops it", "port|default 333" }, .esp_at = { "mode|1 starts it, 0 stops it",
        "port|default 333; with mode 0: 1 closes the links too", "type|\"TCP\" (default) or \"TCPv6\"", "ca|for SSL" } },
    { "+CIPSERVERMAXCONN", "how many clients the server takes at once; while it is off", .argument = {
        "clients|default 5" } },
    { "+CIPSTO", "after how long the server drops a silent client", .argument = {
        "time_out|s, 0 never; default 180, esp-at 0" } },
    { "+CIPMODE", "1: AT+CIPSEND without arguments begins passthrough", .argument = { "mode|default 0" } },
    { "+SAVETRANSLINK", "a link that each start opens for passthrough", .line = {
        "1,\"<host>\",<port>[,\"<type>\"[,<option>]]", "0" }, .argument = {
        "1|on; 0: off, and nothing need follow", "host|name or address", "port|1 to 65535",
        "type|\"TCP\" (default), \"UDP\", \"SSL\"; esp-at also \"TCPv6\", \"UDPv6\", \"SSLv6\"",
        "option|keep-alive, 0 to 7200 s; UDP: local port, 1 to 65535" } },
    { "+CIPRECONNINTV", "pause before passthrough dials again", .argument = { "interval|in 100 ms, default 1" } },
    { "+CIPRECVMODE", "received data comes as it arrives (0), or when AT+CIPRECVDATA asks (1)", .argument = {
        "mode|default 0" } },
    { "+CIPRECVDATA", "reads received data, with AT+CIPRECVMODE=1", .argument = { "length|at most so many bytes" } },
    { .name = "+CIPRECVLEN", .does = "how many bytes wait to be read on each link" },
    { "+CIPSSLSIZE", "buffer of SSL links", .argument = { "size|bytes, default 2048" } },
    { "+CIPSSLCCONF", "how the next SSL link makes sure of its peer", .argument = {
        "mode|0 not at all (default), 1 shows a client certificate, 2 checks the server, 3 both" }, .esp_at = {
        "mode|0 not at all (default), 1 shows a client certificate, 2 checks the server, 3 both",
        "pki|number of certificate and key, default 0", "ca|number of the CA, default 0" } },
    { "+CIPSSLCCIPHER", "cipher suites of the next SSL link; the query lists those that there are", .argument = {
        "count|so many follow; 0 forgets them", "suite|such as 0xC02B" } },
    { "+CIPSSLCCN", "common name that the next SSL link expects", .argument = { TEXT_OF_LINK } },
    { "+CIPSSLCSNI", "server name that the next SSL link tells", .argument = { TEXT_OF_LINK } },
    { "+CIPSSLCALPN", "application protocols of the next SSL link", .argument = {
        "count|so many follow; 0 forgets them", "protocol|such as \"http/1.1\"" } },
    { "+CIPSSLCPSK", "pre-shared key of the next SSL link", .argument = { "key|", "hint|" } },
    { "+CIPSSLCPSKHEX", "pre-shared key of the next SSL link, in hexadecimal", .argument = { "key|two digits a byte", "hint|" } },
    { "+CIPSNTPCFG", "sets the clock from the network", .argument = {
        "on|1 on", "zone|hours from UTC; nonos: needed with 1; esp-at also hhmm, such as 530 or -330",
        "server|", "server|", "server|default cn.ntp.org.cn, ntp.sjtu.edu.cn, us.pool.ntp.org" } },
    { .name = "+CIPSNTPTIME", .does = "the time" },
    { "+CIPDOMAIN", "address of a name", .line = { "\"<name>\"[,<net>]" }, .argument = {
        "name|nonos up to 63 bytes, esp-at up to 64", "net|esp-at: 1 IPv4 preferred (default), 2 IPv4, 3 IPv6" } },
    { "+CIPDNS", "name servers", .line = { "<on>[,\"<server>\"[,\"<server>\"[,\"<server>\"]]]" }, .argument = {
        "on|1 these, 0 those of DHCP", "server|address; nonos has two, esp-at three; default 208.67.222.222" } },
    { "+MDNS", "tells name and service by multicast DNS", .line = { "1,\"<host>\",\"<service>\",<port>", "0" }, .argument = {
        "1|on; 0: off", "host|its name, without .local", "service|such as \"http\"", "port|1 to 65535" } },
    { "+WPS", "joins by WPS: somebody presses the button of the access point", .argument = {
        "on|1 begins, 0 ends", "auth|weakest security that is taken: 0 open to 4 WPA/WPA2 and more" } },
    { "+CWSTARTSMART", "takes name and password from a phone's app", .argument = {
        "type|1 ESPTOUCH, 2 AirKiss, 3 both (bare: 3)", "auth|weakest security that is taken" } },
    { .name = "+CWSTOPSMART", .does = "ends AT+CWSTARTSMART, and frees what it used" },
    { "+CWSTARTDISCOVER", "lets WeChat find the module", .argument = {
        "official_account|", "device_type|", "interval|s between announcements" } },
    { .name = "+CWSTOPDISCOVER", .does = "ends AT+CWSTARTDISCOVER" },
    { "+PING", "sends one echo", .argument = { "host|name or address" } },
    { "+CIUPDATE", "updates the firmware from Espressif's server", .argument = {
        "https|1 by HTTPS", "version|such as \"v2.2.0.0\"", "partition|default \"ota\"",
        "background|1: OK at once, the steps follow" } },
    { "+FACTPLCP", "a radio test of the factory", .argument = { "on|", "long|1 a long preamble" } },
    { "+UART", "the serial line; OK comes at the old settings", .argument = {
        "baud|", "data_bits|", "stop_bits|1: 1, 2: 1.5, 3: 2", "parity|0 none, 1 odd, 2 even",
        "flow|0 none, 1 RTS, 2 CTS, 3 both" } },
    { "+IPR", "the rate of the serial line; OK comes at the new one", .argument = { "baud|" } },
};
/* clang-format on */

/* Length of a name without _CUR or _DEF. */
static size_t base_length(const char *name)
{
    const size_t n = strlen(name);
    return n > 4 && (strcmp(name + n - 4, "_CUR") == 0 || strcmp(name + n - 4, "_DEF") == 0) ? n - 4 : n;
}

const command_words_t *command_words(const char *name)
{
    const size_t n = base_length(name);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strlen(words[i].name) == n && memcmp(words[i].name, name, n) == 0) return &words[i];
    return NULL;
}
