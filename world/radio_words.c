/* The verbs of the air: see radio_words.h. */
#include "radio_words.h"

#include <string.h>

static const words_arg_t *name_of_ap(words_t *words, uint8_t *length)
{
    const words_arg_t *ssid = words_key(words, "ssid");
    if (ssid == NULL) {
        words_fail(words, words->arg[0].column, "%s needs ssid=TEXT", (const char *)words->arg[0].text);
        return NULL;
    }
    if (ssid->length < 1 || ssid->length > CIPMUX_SSID_MAX) {
        words_expected(words, ssid, "a name of 1 to 32 bytes");
        return NULL;
    }
    *length = (uint8_t)ssid->length;
    return ssid;
}

/* The numbers of an access point's line: where each one lives. */
static bool ap_numbers(words_t *words, cipmux_ap_t *seen)
{
    long channel = seen->channel, rssi = (int)seen->rssi, ecn = seen->security, offset = seen->freq_offset;
    long freqcal = seen->freqcal, pairwise = seen->pairwise, group = seen->group, bgn = seen->bgn, wps = seen->wps;
    if (!words_key_number(words, "channel", 1, 14, &channel) || !words_key_number(words, "rssi", -120, 0, &rssi) ||
        !words_key_number(words, "ecn", 0, 7, &ecn) || !words_key_number(words, "offset", -32768, 32767, &offset) ||
        !words_key_number(words, "freqcal", -32768, 32767, &freqcal) ||
        !words_key_number(words, "pairwise", 0, 7, &pairwise) || !words_key_number(words, "group", 0, 7, &group) ||
        !words_key_number(words, "bgn", 0, 7, &bgn) || !words_key_number(words, "wps", 0, 1, &wps)) {
        return false;
    }
    seen->channel = (uint8_t)channel;
    seen->rssi = (int8_t)rssi;
    seen->security = (uint8_t)ecn;
    seen->freq_offset = (int16_t)offset;
    seen->freqcal = (int16_t)freqcal;
    seen->pairwise = (uint8_t)pairwise;
    seen->group = (uint8_t)group;
    seen->bgn = (uint8_t)bgn;
    seen->wps = (uint8_t)wps;
    return true;
}

static bool ap_lease(words_t *words, radio_ap_t *ap)
{
    const words_arg_t *dhcp = words_key(words, "dhcp");
    if (dhcp != NULL) {
        ap->no_dhcp = words_is(dhcp, "never");
        ap->lease_us = 0;
        if (!ap->no_dhcp && !words_duration((const char *)dhcp->text, dhcp->length, &ap->lease_us)) {
            return words_expected(words, dhcp, "never, or a time such as 2s");
        }
    }
    return words_key_ip4(words, "address", ap->address) && words_key_ip4(words, "gateway", ap->gateway) &&
           words_key_ip4(words, "netmask", ap->netmask) && words_key_ip4(words, "dns", ap->name_server);
}

/* The network that the router tells, a prefix of 64 bits. */
static bool ap_network(words_t *words, radio_ap_t *ap)
{
    const words_arg_t *network = words_key(words, "ipv6");
    cipmux_address_t   address;
    if (network == NULL) {
        return true;
    }
    ap->advertises = !words_is(network, "none");
    if (!ap->advertises) {
        return true;
    }
    if (!words_read_host((const char *)network->text, network->length, &address) || address.family != 6) {
        return words_expected(words, network, "none, or an IPv6 network such as 2001:db8::");
    }
    memcpy(ap->network6, address.bytes, sizeof ap->network6);
    return true;
}

/* Another password throws the stations out. */
static bool ap_password(words_t *words, radio_ap_t *ap)
{
    const words_arg_t *password = words_key(words, "password");
    if (password == NULL) {
        return true;
    }
    if (password->length > CIPMUX_PASSWORD_MAX) {
        return words_expected(words, password, "at most 64 bytes");
    }
    const bool same = ap->password_length == password->length &&
                      (password->length == 0 || memcmp(ap->password, password->text, password->length) == 0);
    radio_ap_password(ap, password->text, password->length);
    ap->epoch += same ? 0 : 1;
    return true;
}

/* A new access point, or a change of one: keys that are not there keep what they were. */
static bool say_ap(void *context, words_t *words)
{
    radio_t           *radio = context;
    uint8_t            bssid[6], ssid_length = 0;
    const words_arg_t *bssid_key = words_key(words, "bssid");
    const words_arg_t *ssid = name_of_ap(words, &ssid_length);
    if (ssid == NULL || (bssid_key != NULL && !words_mac(words, bssid_key, bssid))) {
        return false;
    }
    radio_ap_t *place = radio_ap(radio, bssid_key != NULL ? bssid : NULL);
    if (place == NULL) {
        return words_fail(words, 1, "more than %d access points", (int)RADIO_APS);
    }
    radio_ap_t ap = *place;
    place->used = place->seen.ssid_length != 0; /* a wrong line leaves no nameless one behind */
    memcpy(ap.seen.ssid, ssid->text, ssid_length);
    ap.seen.ssid_length = ssid_length;
    if (!ap_password(words, &ap) || !ap_numbers(words, &ap.seen) || !ap_lease(words, &ap) || !ap_network(words, &ap) ||
        !words_key_time(words, "after", &ap.associate_us) || !words_flag(words, "hidden", &ap.hidden) ||
        !words_flag(words, "silent", &ap.silent) || !words_flag(words, "refuses", &ap.refuses) ||
        !words_complete(words)) {
        return false;
    }
    *place = ap;
    return true;
}

static bool say_air(radio_t *radio, words_t *words, bool on_air)
{
    uint8_t            length = 0;
    const words_arg_t *ssid = name_of_ap(words, &length);
    return ssid != NULL && (radio_ap_air(radio, ssid->text, length, on_air) ||
                            words_expected(words, ssid, "the name of an access point"));
}

static bool say_ap_gone(void *context, words_t *words)
{
    return say_air(context, words, false);
}

static bool say_ap_back(void *context, words_t *words)
{
    return say_air(context, words, true);
}

static bool say_kick(void *context, words_t *words)
{
    (void)words;
    radio_kick(context);
    return true;
}

static bool say_no_aps(void *context, words_t *words)
{
    (void)words;
    radio_forget(context);
    return true;
}

static bool say_scan(void *context, words_t *words)
{
    radio_t           *radio = context;
    const words_arg_t *how = words_plain(words, 1, "refused or ok");
    if (how == NULL || (!words_is(how, "refused") && !words_is(how, "ok"))) {
        return how != NULL && words_expected(words, how, "refused or ok");
    }
    radio->scan_refused = words_is(how, "refused");
    return true;
}

static bool phone_text(words_t *words, const char *key, uint8_t *text, uint8_t *length)
{
    const words_arg_t *arg = words_key(words, key);
    if (arg == NULL) {
        return words_fail(words, words->arg[0].column, "smartconfig needs %s=TEXT, or stops", key);
    }
    if (arg->length > RADIO_PHONE_MAX) {
        return words_expected(words, arg, "at most 100 bytes");
    }
    memcpy(text, arg->text, arg->length);
    *length = (uint8_t)arg->length;
    return true;
}

static bool say_smartconfig(void *context, words_t *words)
{
    static const char *const types[] = { "unknown", "esptouch", "airkiss" };
    radio_t                 *radio = context;
    radio_phone_t            phone = { .sends = true, .type = 1 };
    if (words_has(words, 1)) {
        const words_arg_t *stops = words_plain(words, 1, "stops");
        radio->phone.sends = false;
        return words_is(stops, "stops") || words_expected(words, stops, "stops, or ssid=TEXT password=TEXT");
    }
    const words_arg_t *type = words_key(words, "type");
    for (phone.type = 0; type != NULL && phone.type < 3 && !words_is(type, types[phone.type]);) {
        phone.type++;
    }
    if (type == NULL) {
        phone.type = 1;
    }
    if (phone.type == 3) {
        return words_expected(words, type, "esptouch, airkiss or unknown");
    }
    if (!phone_text(words, "ssid", phone.ssid, &phone.ssid_length) ||
        !phone_text(words, "password", phone.password, &phone.password_length) ||
        !words_key_time(words, "after", &phone.after_us) || !words_complete(words)) {
        return false;
    }
    radio->phone = phone;
    return true;
}

static bool say_wps_button(void *context, words_t *words)
{
    radio_t           *radio = context;
    uint8_t            length = 0;
    bool               found = false;
    const words_arg_t *ssid = name_of_ap(words, &length);
    for (size_t i = 0; ssid != NULL && i < RADIO_APS; i++) {
        radio_ap_t *ap = &radio->ap[i];
        if (ap->used && ap->seen.wps != 0 && ap->seen.ssid_length == length &&
            memcmp(ap->seen.ssid, ssid->text, length) == 0) {
            ap->button_until_us = words->now_us + (uint64_t)RADIO_BUTTON_S * 1000000;
            found = true;
        }
    }
    return found || (ssid != NULL && words_expected(words, ssid, "the name of an access point with wps=1"));
}

static bool say_sdk(void *context, words_t *words)
{
    static const char *const calls[] = { "",        "station-set", "station-connect", "wps-enable",
                                         "wps-set", "wps-start",   "wps-stop" };
    radio_t                 *radio = context;
    const words_arg_t       *how = words_plain(words, 1, "ok, or refuses");
    if (how == NULL || words_is(how, "ok")) {
        radio->refuses = CIPMUX_REFUSES_NOTHING;
        return how != NULL;
    }
    const words_arg_t *call = words_is(how, "refuses") ? words_plain(words, 2, "what it refuses") : NULL;
    for (unsigned i = 1; call != NULL && i < sizeof calls / sizeof calls[0]; i++) {
        if (words_is(call, calls[i])) {
            radio->refuses = (cipmux_refuses_t)i;
            return true;
        }
    }
    return call != NULL
               ? words_expected(words, call, "station-set, station-connect, wps-enable, wps-set, wps-start or wps-stop")
               : words_expected(words, how, "ok, or refuses");
}

/* ---- Stations of the modems' soft-APs ---------------------------------------------------------------------------- */

static bool guest_credentials(words_t *words, radio_guest_t *guest)
{
    const words_arg_t *ssid = words_key(words, "ssid"), *password = words_key(words, "password");
    if (ssid != NULL && (ssid->length < 1 || ssid->length > CIPMUX_SSID_MAX)) {
        return words_expected(words, ssid, "a name of 1 to 32 bytes");
    }
    if (password != NULL && password->length > CIPMUX_PASSWORD_MAX) {
        return words_expected(words, password, "at most 64 bytes");
    }
    if (ssid != NULL) {
        memcpy(guest->ssid, ssid->text, ssid->length);
        guest->ssid_length = (uint8_t)ssid->length;
    }
    if (password != NULL) {
        memcpy(guest->password, password->text, password->length);
        guest->password_length = (uint8_t)password->length;
    }
    return guest->ssid_length > 0 || words_fail(words, words->arg[0].column, "station %s needs ssid=TEXT", guest->name);
}

static bool guest_address(words_t *words, radio_guest_t *guest)
{
    const words_arg_t *mac = words_key(words, "mac"), *address = words_key(words, "address");
    const words_arg_t *dhcp = words_key(words, "dhcp");
    if ((mac != NULL && !words_mac(words, mac, guest->mac)) ||
        (address != NULL && !words_ip4(words, address, guest->address))) {
        return false;
    }
    guest->own_address = guest->own_address || address != NULL;
    if (dhcp == NULL) {
        return true;
    }
    guest->own_address = false;
    guest->no_dhcp = words_is(dhcp, "never");
    guest->lease_us = 0;
    return guest->no_dhcp || words_duration((const char *)dhcp->text, dhcp->length, &guest->lease_us) ||
           words_expected(words, dhcp, "never, or a time such as 2s");
}

/* A new station, or a change of one, which leaves first: keys that are not there keep what they were. */
static bool say_station(void *context, words_t *words)
{
    radio_t           *radio = context;
    const words_arg_t *name = words_plain(words, 1, "a name");
    if (name == NULL) {
        return false;
    }
    if (name->length == 0 || name->length >= RADIO_NAME) {
        return words_expected(words, name, "a name of 1 to 23 bytes");
    }
    bool           known = radio_find_guest(radio, (const char *)name->text) != NULL;
    radio_guest_t *place = radio_guest(radio, (const char *)name->text);
    if (place == NULL) {
        return words_fail(words, 1, "more than %d stations", (int)RADIO_GUESTS);
    }
    radio_guest_t guest = *place;
    place->used = known; /* a wrong line leaves no station behind */
    guest.away = false;
    if (!guest_credentials(words, &guest) || !guest_address(words, &guest) ||
        !words_key_time(words, "after", &guest.associate_us) || !words_complete(words)) {
        return false;
    }
    if (known) {
        radio_guest_leaves(radio, place, words->now_us, false);
    }
    guest.joined = guest.waiting = guest.refused = false;
    *place = guest;
    return true;
}

/* The station that is named at the second place. */
static radio_guest_t *named_guest(radio_t *radio, words_t *words)
{
    const words_arg_t *name = words_plain(words, 1, "the name of a station");
    radio_guest_t     *guest = name == NULL ? NULL : radio_find_guest(radio, (const char *)name->text);
    if (name != NULL && guest == NULL) {
        words_expected(words, name, "the name of a station");
    }
    return guest;
}

static bool say_station_leaves(void *context, words_t *words)
{
    radio_t       *radio = context;
    radio_guest_t *guest = named_guest(radio, words);
    bool           silently = false;
    if (guest == NULL || !words_flag(words, "silently", &silently)) {
        return false;
    }
    radio_guest_leaves(radio, guest, words->now_us, silently);
    return true;
}

static bool say_station_returns(void *context, words_t *words)
{
    radio_guest_t *guest = named_guest(context, words);
    if (guest != NULL) {
        guest->away = false;
    }
    return guest != NULL;
}

static bool say_station_renews(void *context, words_t *words)
{
    radio_t       *radio = context;
    radio_guest_t *guest = named_guest(radio, words);
    if (guest != NULL) {
        radio_guest_renews(radio, guest, words->now_us);
    }
    return guest != NULL;
}

static bool say_station_is(void *context, words_t *words)
{
    uint8_t            ip[4], wanted[4];
    radio_guest_t     *guest = named_guest(context, words);
    const words_arg_t *how = guest == NULL ? NULL : words_plain(words, 2, "joined, out or its address");
    if (how == NULL) {
        return false;
    }
    bool joined = radio_guest_joined(context, guest, ip);
    bool good = words_is(how, "out") ? !joined : joined;
    if (!words_is(how, "out") && !words_is(how, "joined")) {
        if (!words_ip4(words, how, wanted)) {
            return false;
        }
        good = memcmp(ip, wanted, 4) == 0;
    }
    if (good || words->draft) {
        return true;
    }
    if (!joined && guest->refused) {
        return words_fail(words, how->column, "%s is out: the soft-AP has another password", guest->name);
    }
    return words_fail(words, how->column, "%s is %s, with %u.%u.%u.%u", guest->name, joined ? "joined" : "out", ip[0],
                      ip[1], ip[2], ip[3]);
}

const words_verb_t radio_verbs[RADIO_VERBS] = {
    { "ap", say_ap,
      "ap ssid=TEXT [password=TEXT] [bssid=MAC] [channel=1-14] [rssi=DBM] [ecn=0-7] [offset=KHZ] [freqcal=N] "
      "[pairwise=N] "
      "[group=N] [bgn=0-7] [wps=0|1] [hidden] [silent] [refuses] [after=TIME] [dhcp=never|TIME] [address=IP] "
      "[gateway=IP] [netmask=IP] [dns=IP] [ipv6=none|NETWORK]",
      "an access point, open without password; with the bssid of one that is there, a change of that one" },
    { "ap-gone", say_ap_gone, "ap-gone ssid=TEXT", "it leaves the air; stations on it are lost" },
    { "ap-back", say_ap_back, "ap-back ssid=TEXT", "it returns" },
    { "kick", say_kick, "kick", "every access point but the modem's own throws its stations out" },
    { "no-aps", say_no_aps, "no-aps", "forgets all access points" },
    { "scan", say_scan, "scan refused|ok", "what AT+CWLAP meets" },
    { "smartconfig", say_smartconfig,
      "smartconfig ssid=TEXT password=TEXT [type=esptouch|airkiss|unknown] [after=TIME]; smartconfig stops",
      "a phone sends that to every modem that listens (AT+CWSTARTSMART), so long after it began to" },
    { "sdk", say_sdk, "sdk refuses station-set|station-connect|wps-enable|wps-set|wps-start|wps-stop; sdk ok",
      "a fault of the module: the firmware below the AT commands refuses that" },
    { "wps-button", say_wps_button, "wps-button ssid=TEXT", "somebody presses it: WPS works for two minutes" },
    { "station", say_station,
      "station NAME ssid=TEXT [password=TEXT] [mac=MAC] [address=IP] [dhcp=never|TIME] [after=TIME]",
      "joins the modem's soft-AP of that name, whenever there is one; the same name changes it" },
    { "station-leaves", say_station_leaves, "station-leaves NAME [silently]",
      "leaves; silently: the soft-AP notices later" },
    { "station-returns", say_station_returns, "station-returns NAME", "wants to be joined again" },
    { "station-renews", say_station_renews, "station-renews NAME", "asks for its address again" },
    { "station-is", say_station_is, "station-is NAME joined|out|IP",
      "checks that it is joined, is not, or has that address" },
};
