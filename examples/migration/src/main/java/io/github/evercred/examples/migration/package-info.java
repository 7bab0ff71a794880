/** The code of the migration guide: what it was before, and what it is with Evercred. */
@NullMarked
package io.github.evercred.examples.migration;

import org.jspecify.annotations.NullMarked;
