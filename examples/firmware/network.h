/* The access point that the examples join: make SSID=... PASSWORD=... */
#ifndef NETWORK_H
#define NETWORK_H

#ifndef NETWORK_SSID
#define NETWORK_SSID "lab"
#endif
#ifndef NETWORK_PASSWORD
#define NETWORK_PASSWORD "password"
#endif

#endif
