/** HTTP, Redis and R2DBC clients that use a cached secret and survive its rotation. */
@NullMarked
package io.github.evercred.clients;

import org.jspecify.annotations.NullMarked;
