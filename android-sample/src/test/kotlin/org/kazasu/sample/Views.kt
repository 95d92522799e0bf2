package org.kazasu.sample

import android.view.View
import android.view.ViewGroup

/** This view and everything in it. */
fun View.all(): List<View> =
    listOf(this) + ((this as? ViewGroup)?.let { group -> (0 until group.childCount).flatMap { group.getChildAt(it).all() } } ?: emptyList())
