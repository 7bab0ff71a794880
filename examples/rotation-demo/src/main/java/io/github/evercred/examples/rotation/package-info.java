/** The rotation demo: an application under load while its password rotates. */
@NullMarked
package io.github.evercred.examples.rotation;

import org.jspecify.annotations.NullMarked;
