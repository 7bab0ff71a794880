/** Clients that are no JDBC, each through a rotation under load. */
@NullMarked
package io.github.evercred.examples.client;

import org.jspecify.annotations.NullMarked;
