// SPDX-License-Identifier: EUPL-1.2
import "./autosave.js";
import "./upload.js";
import "./once.js";
import "./focus.js";
import "./live.js";
import "./signature.js";
import "./locate.js";
import "./combobox.js";
