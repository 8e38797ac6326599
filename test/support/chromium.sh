#!/bin/bash
# Starts the Chromium that CHROMIUM names without the suggestions of its address bar: Chromium loads that page of its own
# with every context, which takes longer than the page under test. It heeds only the last --disable-features, and
# Playwright has a list there already.
features=WebUIOmniboxPopup,WebUIOmniboxAimPopup,WebUIOmniboxFullPopup
exec "$CHROMIUM" "${@/#--disable-features=/--disable-features=$features,}"
